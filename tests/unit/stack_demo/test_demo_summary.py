"""What the demonstration counts and shows."""

import io
from datetime import UTC, date, datetime

import pyarrow as pa
from rich.console import Console

from jobs.release.record import Content, Release, SetVersion
from stack.demo.counting import RowCounts, summed
from stack.demo.summary import Page, Summary, as_tables, recommended, segment_sizes
from stack.demo.watching import telling_lines

HISTORY = {"tables": {"silver.events": {"read": 10, "kept": 7, "rejected": 2, "merged": 1, "reasons": {"late": 2, "no_item": 1}}}}
LAST_DAY = {
    "tables": {
        "silver.events": {"read": 5, "kept": 4, "rejected": 1, "merged": 0, "reasons": {"late": 1}},
        "silver.sessions": {"written": 3},
    }
}
SEGMENTS = pa.table(
    {
        "user_id": ["u1", "u2", "u3", "u4"],
        "rfm_segment": ["loyal", "lost", "lost", "new"],
        "behaviour_segment": ["unassigned"] * 4,
        "taste_segment": ["tea", "mugs", "tea", "tea"],
    }
)
RECOMMENDATIONS = pa.table(
    {"user_id": ["u1", "u1", "u2", "u4", "u4"], "rank": [2, 1, 1, 1, 2], "item_id": ["i2", "i1", "i9", "i4", "i5"]},
)
PROFILES = pa.table(
    {
        "scheme": ["taste", "rfm", "rfm"],
        "segment": ["tea", "loyal", "lost"],
        "user_count": [3, 1, 2],
        "meaning": ["drink tea", "come often", "are gone"],
    }
)


def release() -> Release:
    """A release of one export with one file; popularity serves."""
    file = {"format": "parquet", "key": "exports/recommendations/part-0.parquet", "rows": 5, "bytes": 1234, "sha256": "0" * 64}
    content = Content(
        day=date(2026, 1, 31),
        set=SetVersion(id="s", tables={}),
        tables={},
        models={"recommender": {"name": "popularity", "version": None, "reason": "too few days"}},
        exports={"recommendations": {"rows": 5, "files": [file]}},
        quality={},
    )
    return Release(
        id="2026-01-31-000002",
        day=date(2026, 1, 31),
        sequence=2,
        run_id="r",
        attempt=1,
        code_version="c",
        created_at=datetime(2026, 2, 1, tzinfo=UTC),
        content=content,
    )


def test_rows_are_summed_over_the_runs_and_add_up() -> None:
    counts = summed([HISTORY, None, LAST_DAY])
    assert list(counts) == ["silver.events"]
    events = counts["silver.events"]
    assert (events.read, events.kept, events.rejected, events.merged) == (15, 11, 3, 1)
    assert dict(events.reasons) == {"late": 3, "no_item": 1}
    assert events.adds_up


def test_a_vanished_row_does_not_add_up() -> None:
    assert not RowCounts(read=3, kept=2).adds_up


def test_users_of_different_segments_are_shown_with_their_items_in_order_of_rank() -> None:
    shown = recommended(RECOMMENDATIONS, SEGMENTS)
    assert [(user.user_id, user.items, user.count) for user in shown] == [
        ("u2", ("i9",), 1),
        ("u1", ("i1", "i2"), 2),
        ("u4", ("i4", "i5"), 2),
    ]


def test_users_of_one_segment_fill_up_the_three() -> None:
    alike = SEGMENTS.set_column(1, "rfm_segment", pa.array(["lost"] * 4))
    assert [user.user_id for user in recommended(RECOMMENDATIONS, alike)] == ["u1", "u2", "u3"]


def test_the_largest_segment_of_a_scheme_comes_first() -> None:
    assert [(size.scheme, size.segment) for size in segment_sizes(PROFILES)] == [("rfm", "lost"), ("rfm", "loyal"), ("taste", "tea")]


def test_the_summary_shows_everything_that_was_promised() -> None:
    summary = Summary(
        pages=[Page("Airflow", "http://127.0.0.1:1", "admin / secret")],
        release=release(),
        is_current=True,
        counts=summed([HISTORY, LAST_DAY]),
        segments=segment_sizes(PROFILES),
        users=recommended(RECOMMENDATIONS, SEGMENTS),
        seconds={"land": 12.4, "train": 30.0},
    )
    written = Console(file=io.StringIO(), width=200)
    for table in as_tables(summary):
        written.print(table)
    assert isinstance(written.file, io.StringIO)
    text = written.file.getvalue()
    for promised in (
        "http://127.0.0.1:1",
        "admin / secret",
        "2026-01-31-000002 (current)",
        "popularity: too few days",
        "no_item",
        "come often",
        "i1, i2",
        "exports/recommendations/part-0.parquet",
        "42",
    ):
        assert promised in text


def test_of_a_long_log_only_the_lines_that_name_an_error_are_told() -> None:
    log = [
        "INFO start",
        "ERROR AuditError: silver.events: expected 0; found 3",
        "Traceback",
        "ERROR AuditError: silver.events: expected 0; found 3",
    ]
    assert telling_lines(log) == ["ERROR AuditError: silver.events: expected 0; found 3"]


def test_a_log_without_an_error_is_told_by_its_end() -> None:
    assert telling_lines([f"line {number}" for number in range(100)], most=2) == ["line 98", "line 99"]
