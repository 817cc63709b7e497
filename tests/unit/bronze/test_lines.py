"""Bronze holds every landed line with its place, and refuses files that are not what their marker says."""

import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import cast
from unittest.mock import patch

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pyspark.errors import PythonException
from pyspark.sql import DataFrame, SparkSession

from jobs.bronze import events, items, orders
from jobs.bronze.lines import BATCH_ROWS, shared_out, texts, verified_lines
from jobs.contract import conform
from jobs.errors import LandingError, NotLandedError
from jobs.interval import Interval
from jobs.land import land
from jobs.landing import LandedFile, Marker, PlacedFile, folder, line_blocks, text_of, write_marker
from jobs.settings import Settings
from jobs.sources.parsing import parse
from jobs.sources.source import load
from jobs.store import Store

DATA = Path(__file__).parents[4] / "shared" / "data"
DAY = date(2013, 6, 4)


@pytest.fixture
def store(services: Settings) -> Iterator[Store]:
    store = Store.from_settings(services)
    store.delete([stored.key for stored in store.list("landing/")])
    yield store
    store.delete([stored.key for stored in store.list("landing/")])


def landed(store: Store, days: Mapping[date, bytes], source: str = "native", feed: str = "events") -> None:
    """Mark ``days`` (day -> content) as landed, each as one plain file."""
    for day, content in days.items():
        file = LandedFile("part-00000.jsonl", content.count(b"\n"), len(content), hashlib.sha256(content).hexdigest())
        store.write(folder(source, feed, day) + file.name, content)
        write_marker(store, Marker(source, feed, day, file.rows, (file,)))


def bronze(spark: SparkSession, store: Store, source: str, *days: date, module: ModuleType = events) -> DataFrame:
    """The bronze frame of a source from the first to the last of ``days``."""
    interval = Interval(days[0], days[-1] + timedelta(days=1))
    return cast("DataFrame", module.build(spark=spark, source=load(source), store=store, interval=interval))


def test_every_line_is_there_with_its_place_and_the_midnight_of_its_landed_day(spark: SparkSession, store: Store) -> None:
    landed(store, {DAY: b"a\n\nb\n", DAY + timedelta(days=1): b"c\n"})
    rows = conform(bronze(spark, store, "native", DAY, DAY + timedelta(days=1)), events.EVENTS).collect()
    place = folder("native", "events", DAY) + "part-00000.jsonl"
    assert sorted((row.landed_date.day, row.line_number, row.raw_line) for row in rows) == [
        (4, 1, "a"),
        (4, 2, ""),
        (4, 3, "b"),
        (5, 1, "c"),
    ]
    found = {(row.source, row.source_file, str(row.landed_at)) for row in rows if row.landed_date == DAY}
    assert found == {("native", place, "2013-06-04 00:00:00")}


def test_a_feed_that_the_source_does_not_have_is_an_empty_table_of_the_same_columns(spark: SparkSession, store: Store) -> None:
    assert conform(bronze(spark, store, "taobao", DAY, module=items), items.ITEMS).collect() == []
    assert conform(bronze(spark, store, "taobao", DAY, module=orders), orders.ORDERS).collect() == []


def test_a_day_that_has_not_landed_stops_the_build_before_anything_is_read(spark: SparkSession, store: Store) -> None:
    landed(store, {DAY: b"a\n"})
    with pytest.raises(NotLandedError, match="2013-06-05"):
        bronze(spark, store, "native", DAY, DAY + timedelta(days=1))


def test_a_file_changed_after_it_landed_is_a_landing_error_also_inside_a_task(spark: SparkSession, store: Store) -> None:
    landed(store, {DAY: b"aaa\n"})
    store.write(folder("native", "events", DAY) + "part-00000.jsonl", b"bbb\n")
    with pytest.raises(PythonException, match=r"jobs\.errors\.LandingError: .*expected 1 rows, sha256 .* as its marker says; found 1 rows"):
        bronze(spark, store, "native", DAY).collect()


def test_rows_that_differ_from_the_marker_are_a_landing_error(store: Store) -> None:
    content = b"a\nb\n"
    key = folder("native", "events", DAY) + "f"
    store.write(key, content)
    placed = PlacedFile(key, DAY, 3, len(content), hashlib.sha256(content).hexdigest())
    with pytest.raises(LandingError, match="expected 3 rows"):
        list(verified_lines(store, load("native").feed("events"), placed))


def test_a_large_file_comes_in_batches(store: Store) -> None:
    content = b"x\n" * (2 * BATCH_ROWS + 1)
    key = folder("native", "events", DAY) + "f"
    store.write(key, content)
    placed = PlacedFile(key, DAY, 2 * BATCH_ROWS + 1, len(content), hashlib.sha256(content).hexdigest())
    batches = list(verified_lines(store, load("native").feed("events"), placed))
    assert [len(lines) for _, lines in batches] == [BATCH_ROWS, BATCH_ROWS, 1]
    assert [first for first, _ in batches] == [1, BATCH_ROWS + 1, 2 * BATCH_ROWS + 1]


PIECES = (b"a", b"\n", b"\n", b"\r", b"\xef\xbb\xbf", b"caf\xe9", "h\u00e9 \u20ac \U0001f600".encode(), b"\x00", "\u2028\x85".encode())


@given(st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join), st.integers(1, 50))
def test_lines_read_in_blocks_are_those_read_one_by_one(content: bytes, block_bytes: int) -> None:
    assume(not content.startswith(b"\x00"))
    by_hand = []
    for line in io.BytesIO(content).readlines():
        bare = line.removesuffix(b"\n").rstrip(b"\r")
        while bare.startswith(b"\xef\xbb\xbf"):
            bare = bare.removeprefix(b"\xef\xbb\xbf")
        by_hand.append(text_of(bare))
    with patch("jobs.landing._BLOCK", block_bytes):
        assert [line for block in line_blocks(io.BytesIO(content), "f") for line in texts(block).to_pylist()] == by_hand


def test_a_header_is_left_out_of_the_lines_and_keeps_its_number(store: Store) -> None:
    key, feed = folder("alibaba2014", "events", DAY) + "f", load("alibaba2014").feed("events")
    for content, wanted in ((b"user_id,brand_id,type,visit_datetime\n1,2,0,6-4\n", [(2, ["1,2,0,6-4"])]), (b"", None)):
        store.write(key, content)
        placed = PlacedFile(key, DAY, len(wanted or ()), len(content), hashlib.sha256(content).hexdigest())
        if wanted is None:
            with pytest.raises(LandingError, match="the header user_id"):
                list(verified_lines(store, feed, placed))
        else:
            assert [(first, lines.to_pylist()) for first, lines in verified_lines(store, feed, placed)] == wanted


@pytest.mark.parametrize(
    ("sizes", "tasks"), [([5], 4), ([5] * 92, 2), ([1, 1, 1, 100], 2), ([40 << 20] * 3, 2), ([100, 1, 1], 8), ([0, 0, 7], 2)]
)
def test_files_are_shared_out_in_order_each_once_and_to_enough_tasks(sizes: list[int], tasks: int) -> None:
    files = [PlacedFile(str(number), DAY, 1, size, "") for number, size in enumerate(sizes)]
    shares = shared_out(files, tasks)
    assert [file for share in shares for file in share] == files
    assert all(shares)
    assert len(shares) >= min(tasks, len(files))
    assert len(shares) <= 2 * tasks + sum(sizes) // (32 << 20)


@pytest.mark.skipif(not DATA.is_dir(), reason="the real files of ../shared/data are not on this machine")
@pytest.mark.parametrize(
    ("name", "file", "rows", "reasons"),
    [
        ("alibaba2014", "events.csv.gz", 131_720, {}),
        ("taobao", "UserBehavior.csv.gz", 96_169, {"unreadable": 1}),
        ("retailrocket", "events.csv.gz", 5_169, {}),
        (
            "online_retail",
            "invoices.csv.gz",
            332_447,
            {"price_not_positive": 1_834, "quantity_not_positive": 944, "invoice_is_adjustment": 3},
        ),
    ],
)
def test_each_line_of_a_real_file_reaches_bronze_and_each_faulty_one_has_its_reason(  # noqa: PLR0917 - four columns of a table and two fixtures
    spark: SparkSession, store: Store, name: str, file: str, rows: int, reasons: dict[str, int]
) -> None:
    module = orders if name == "online_retail" else events
    source = load(name)
    done = land(store, source, DATA / name / file, report=lambda _: None)
    lines = bronze(spark, store, name, done.first, done.last, module=module)
    primary = source.order_lines if module is orders else source.events
    marked = parse(lines, source, primary)
    found = marked.groupBy("reasons").count().collect()
    assert sum(row["count"] for row in found) == rows
    counts: Counter[str] = Counter()
    for row in found:
        counts.update(dict.fromkeys(row["reasons"], row["count"]))
    assert counts == reasons
