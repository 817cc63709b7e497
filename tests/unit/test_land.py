"""``land`` puts every row of a foreign file into the landing zone, under its event day, and marks each day last."""

import gzip
import io
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from jobs import landing_spool
from jobs.errors import LandingError
from jobs.interval import Interval
from jobs.land import land
from jobs.landing import MARKER, LandedFile, check, folder, landed_days, landed_files, read_lines
from jobs.landing_spool import Spool
from jobs.settings import Settings
from jobs.sources.source import load
from jobs.store import Store
from stack.services import Stack

HEADER = "user_id,brand_id,type,visit_datetime\n"


@pytest.fixture
def store(services: Settings) -> Iterator[Store]:
    store = Store.from_settings(services)
    store.delete([stored.key for stored in store.list("landing/")])
    yield store
    store.delete([stored.key for stored in store.list("landing/")])


def silent(_message: str) -> None:
    """Report nothing."""


def landed_lines(store: Store, source_name: str, feed: str, first: date, last: date) -> dict[date, list[str]]:
    source = load(source_name)
    files = landed_files(store, source, feed, Interval(first, last + timedelta(days=1)))
    return {
        day: [line for file in files if file.landed_date == day for _, line in read_lines(store.open(file.key), source.feed(feed))]
        for day in Interval(first, last + timedelta(days=1)).days()
    }


def native_folder(tmp_path: Path, events: Iterable[str], orders: Iterable[str] = ()) -> Path:
    (tmp_path / "events-1.jsonl").write_text("".join(events), encoding="utf-8")
    with gzip.open(tmp_path / "orders-1.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.write("".join(orders))
    return tmp_path


def event(instant: str) -> str:
    return f'{{"event_id": "{instant}", "occurred_at": "{instant}"}}\n'


def test_rows_go_to_their_event_day_in_the_order_of_the_file(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text(HEADER + "1,2,0,6-4\n2,2,0,6-3\n3,2,0,6-4\n", encoding="utf-8")
    done = land(store, load("alibaba2014"), path, report=silent)
    assert landed_lines(store, "alibaba2014", "events", done.first, done.last) == {
        date(2013, 6, 3): ["2,2,0,6-3"],
        date(2013, 6, 4): ["1,2,0,6-4", "3,2,0,6-4"],
    }


def test_a_row_whose_day_cannot_be_read_lands_with_the_row_before_it_or_the_first_readable_one(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text(HEADER + "first\n1,2,0,6-3\n1,2,0,6-4\ncut,2\n\n1,2,0,6-3\n", encoding="utf-8")
    done = land(store, load("alibaba2014"), path, report=silent)
    assert landed_lines(store, "alibaba2014", "events", done.first, done.last) == {
        date(2013, 6, 3): ["first", "1,2,0,6-3", "1,2,0,6-3"],
        date(2013, 6, 4): ["1,2,0,6-4", "cut,2", ""],
    }
    assert (done.rows, done.rows_without_day) == ({"events": 6}, 3)


def test_every_feed_gets_a_marker_for_every_day_between_the_first_and_the_last(store: Store, tmp_path: Path) -> None:
    events = [event(f"2026-05-0{day}T10:00:00Z") for day in (4, 5, 6)]
    place = native_folder(tmp_path, events, ['{"order_id": "1", "ordered_at": "2026-05-05T10:00:00Z"}\n'])
    done = land(store, load("native"), place, report=silent)
    assert landed_days(store, load("native")) == (date(2026, 5, 4), date(2026, 5, 5), date(2026, 5, 6))
    assert [check(store, load("native"), "orders", date(2026, 5, day)).rows for day in (4, 5, 6)] == [0, 1, 0]
    assert done.rows == {"events": 3, "orders": 1, "items": 0}


def test_an_optional_feed_lands_from_the_day_on_which_the_shop_begins_to_send_it(store: Store, tmp_path: Path) -> None:
    place = native_folder(tmp_path, [event(f"2026-05-0{day}T10:00:00Z") for day in (4, 5, 6)])
    counts = [f'{{"item_id": "i1", "observed_at": "2026-05-0{day}T08:00:00Z", "quantity": 3}}\n' for day in (4, 5)]
    (place / "stock.jsonl").write_text("".join(counts), encoding="utf-8")
    told: list[str] = []
    assert "stock" not in land(store, load("native"), place, report=told.append).rows
    assert "left out stock.jsonl: no feed of native has files of that name" in told
    done = land(store, load("native", {"stock": date(2026, 5, 5)}), place, report=silent)
    assert (done.rows["stock"], done.rows_outside) == (1, 1)
    assert [store.read(folder("native", "stock", date(2026, 5, day)) + MARKER) is not None for day in (4, 5, 6)] == [False, True, True]


def test_a_gap_in_a_feed_that_may_not_be_empty_stops_before_anything_is_stored(store: Store, tmp_path: Path) -> None:
    place = native_folder(tmp_path, [event("2026-05-04T10:00:00Z"), event("2026-05-06T10:00:00Z")])
    with pytest.raises(LandingError, match="none on 2026-05-05"):
        land(store, load("native"), place, report=silent)
    assert not list(store.list("landing/"))


def test_landing_again_changes_nothing_and_other_content_replaces_what_was_there(store: Store, tmp_path: Path) -> None:
    place = native_folder(tmp_path, [event("2026-05-04T10:00:00Z"), event("2026-05-05T10:00:00Z")])
    first = land(store, load("native"), place, report=silent)
    again = land(store, load("native"), place, report=silent)
    assert (first.days_written, first.days_unchanged, again.days_written, again.days_unchanged) == (6, 0, 0, 6)
    store.write(folder("native", "events", date(2026, 5, 5)) + "stray.jsonl", b"x\n")
    native_folder(tmp_path, [event("2026-05-04T10:00:00Z"), event("2026-05-05T11:00:00Z")])
    other = land(store, load("native"), place, report=silent)
    assert (other.days_written, other.days_unchanged) == (1, 5)
    assert landed_lines(store, "native", "events", other.first, other.last)[date(2026, 5, 5)] == [event("2026-05-05T11:00:00Z").strip()]


def test_a_day_is_unmarked_while_its_files_are_replaced(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = native_folder(tmp_path, [event("2026-05-04T10:00:00Z")])
    land(store, load("native"), place, report=silent)
    native_folder(tmp_path, [event("2026-05-04T11:00:00Z")])

    def cut_off(_store: Store, path: Path, key: str) -> None:
        raise ConnectionError(f"{path} to {key}")

    monkeypatch.setattr(Store, "upload", cut_off)
    with pytest.raises(ConnectionError):
        land(store, load("native"), place, report=silent)
    assert store.read(folder("native", "events", date(2026, 5, 4)) + MARKER) is None


def test_from_and_through_are_both_included_and_what_lies_outside_is_counted(store: Store, tmp_path: Path) -> None:
    place = native_folder(tmp_path, [event(f"2026-05-0{day}T10:00:00Z") for day in range(1, 8)])
    done = land(store, load("native"), place, first=date(2026, 5, 3), last=date(2026, 5, 5), report=silent)
    assert (done.first, done.last, done.rows["events"], done.rows_outside) == (date(2026, 5, 3), date(2026, 5, 5), 3, 4)


def test_a_clock_wrong_by_decades_is_an_error_that_tells_how_to_leave_it_out(store: Store, tmp_path: Path) -> None:
    place = native_folder(tmp_path, [event("2026-05-04T10:00:00Z"), event("1999-05-04T10:00:00Z")])
    with pytest.raises(LandingError, match="--from and --through"):
        land(store, load("native"), place, report=silent)


def test_a_file_of_another_source_is_refused(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(LandingError, match="the header user_id"):
        land(store, load("alibaba2014"), path, report=silent)
    with pytest.raises(LandingError, match="records with a readable time"):
        land(store, load("taobao"), path, report=silent)
    with pytest.raises(LandingError, match="files of native"):
        land(store, load("native"), tmp_path, report=silent)


def test_long_rows_without_a_day_are_not_held_by_the_thousand(tmp_path: Path) -> None:
    with pytest.raises(LandingError, match="records with a readable time"):
        spooled(tmp_path / "a", (b"x" * (1 << 20) for _ in range(1_000_000)))


def spooled(folder_: Path, lines: Iterable[bytes]) -> list[list[tuple[LandedFile, bytes]]]:
    spool = Spool(load("native").feed("events"), folder_)
    for line in lines:
        spool.add(line)
    spool.close("test")
    return [[(part.file, part.path.read_bytes()) for part in spool.parts(day)] for day in sorted(spool.days)]


def test_the_same_rows_give_the_same_bytes_and_large_days_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("PART_ROWS", 30), ("MEMBER_BYTES", 500), ("HELD_BYTES", 1_500)):
        monkeypatch.setattr(landing_spool, name, value)
    lines = [event(f"2026-05-0{1 + number % 4}T10:00:{number % 60:02d}Z").strip().encode() for number in range(300)]
    first, second = spooled(tmp_path / "a", lines), spooled(tmp_path / "b", lines)
    assert first == second
    assert [[file.rows for file, _ in parts] for parts in first] == [[30, 30, 15]] * 4
    feed = load("native").feed("events")
    read = [line.encode() for parts in first for _, content in parts for _, line in read_lines(io.BytesIO(content), feed)]
    assert read == sorted(lines, key=lambda line: line[14:24])


def test_the_command_says_what_it_did_and_ends_with_the_exit_code_of_bad_data(store: Store, test_stack: Stack, tmp_path: Path) -> None:
    place = native_folder(tmp_path, [event("2026-05-04T10:00:00Z")])
    command = [sys.executable, "-m", "jobs.land", "--source", "native", "--input"]
    environment = os.environ | test_stack.environment() | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([*command, str(place)], capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, "landed 1 days, 2026-05-04 to 2026-05-04; rows: events 1, orders 0, items 0" in done.stdout) == (0, True), done
    failed = subprocess.run([*command, str(tmp_path / "nowhere")], capture_output=True, text=True, check=False, env=environment)
    assert (failed.returncode, "LandingError" in failed.stderr) == (65, True), failed
    assert landed_days(store, load("native")) == (date(2026, 5, 4),)
