"""A day has landed when its marker says so, and only what the marker says."""

import bz2
import gzip
import hashlib
import io
import lzma
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from jobs.errors import LandingError, NotLandedError
from jobs.interval import Interval
from jobs.landing import (
    MAX_LINE_BYTES,
    HashingStream,
    LandedFile,
    Marker,
    check,
    folder,
    landed_days,
    landed_files,
    read_lines,
    read_marker,
    write_marker,
)
from jobs.settings import Settings
from jobs.sources.source import Source, load
from jobs.store import Store

DAY = date(2026, 5, 4)
CONTENT = gzip.compress(b'{"event_id": "e1"}\n', mtime=0)
FILE = LandedFile("part-00000.jsonl.gz", 1, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def store(services: Settings) -> Iterator[Store]:
    store = Store.from_settings(services)
    store.delete([stored.key for stored in store.list("landing/")])
    yield store
    store.delete([stored.key for stored in store.list("landing/")])


@pytest.fixture
def native() -> Source:
    return load("native")


def landed(store: Store, feed: str = "events", day: date = DAY, files: tuple[LandedFile, ...] = (FILE,)) -> None:
    for file in files:
        store.write(folder("native", feed, day) + file.name, CONTENT)
    write_marker(store, Marker("native", feed, day, sum(file.rows for file in files), tuple(files)))


def test_a_marker_is_read_as_it_was_written(store: Store) -> None:
    landed(store)
    assert read_marker(store, "native", "events", DAY) == Marker("native", "events", DAY, 1, (FILE,))


def test_a_day_without_marker_is_tried_again_and_the_message_names_feed_and_day(store: Store, native: Source) -> None:
    store.write(folder("native", "events", DAY) + FILE.name, CONTENT)
    with pytest.raises(NotLandedError, match=r"feed events of native on 2026-05-04: .*python -m jobs\.land") as caught:
        check(store, native, "events", DAY)
    assert caught.value.exit_code == 75


def test_a_whole_day_passes_the_check(store: Store, native: Source) -> None:
    landed(store)
    assert check(store, native, "events", DAY).rows == 1


def test_an_upload_that_was_killed_beside_a_whole_day_does_not_matter(store: Store, native: Source) -> None:
    landed(store)
    store.write(folder("native", "events", DAY) + FILE.name + "-3f2504e0-4f89-11d3-9a0c-0305e82c3301", b"half")
    assert check(store, native, "events", DAY).rows == 1


@pytest.mark.parametrize("change", ["missing", "extra", "size", "rows", "malformed", "infinite", "nested", "another day's", "twice"])
def test_a_day_that_differs_from_its_marker_is_bad_data(store: Store, native: Source, change: str) -> None:
    landed(store)
    place = folder("native", "events", DAY)
    if change == "missing":
        store.delete([place + FILE.name])
    elif change == "extra":
        store.write(place + "late.jsonl.gz", CONTENT)
    elif change == "size":
        store.write(place + FILE.name, CONTENT + b"x")
    elif change == "rows":
        write_marker(store, Marker("native", "events", DAY, 2, (FILE,)))
    elif change == "another day's":
        store.write(place + "_LANDED.json", Marker("native", "events", date(2026, 5, 3), 1, (FILE,)).to_json())
    elif change == "twice":
        write_marker(store, Marker("native", "events", DAY, 2, (FILE, FILE)))
    else:
        infinite = Marker("native", "events", DAY, 1, (FILE,)).to_json().replace(b'"rows": 1', b'"rows": Infinity')
        contents = {"malformed": b"{}", "infinite": infinite, "nested": b"[" * 100_000}
        store.write(place + "_LANDED.json", contents[change])
    with pytest.raises(LandingError) as caught:
        check(store, native, "events", DAY)
    assert caught.value.exit_code == 65
    assert place in caught.value.subject


def test_an_empty_day_is_bad_data_only_where_the_feed_may_not_be_empty(store: Store, native: Source) -> None:
    landed(store, files=())
    landed(store, feed="orders", files=())
    assert check(store, native, "orders", DAY).files == ()
    with pytest.raises(LandingError, match="may not be empty"):
        check(store, native, "events", DAY)


def test_the_files_of_an_interval_come_by_day_and_a_feed_that_the_source_lacks_has_none(store: Store, native: Source) -> None:
    for day in (date(2026, 5, 5), DAY):
        landed(store, day=day)
    files = landed_files(store, native, "events", Interval(DAY, date(2026, 5, 6)))
    assert [(file.landed_date, file.key) for file in files] == [
        (day, folder("native", "events", day) + FILE.name) for day in (DAY, date(2026, 5, 5))
    ]
    assert landed_files(store, load("taobao"), "orders", Interval(DAY, date(2026, 5, 6))) == ()


def test_a_day_counts_as_landed_when_every_feed_has_its_marker(store: Store, native: Source) -> None:
    for day in (DAY, date(2026, 5, 5)):
        landed(store, day=day)
        landed(store, feed="orders", day=day, files=())
    landed(store, feed="items", files=())
    assert landed_days(store, native) == (DAY,)


def test_an_optional_feed_is_awaited_from_the_day_on_which_the_shop_begins_to_send_it(store: Store) -> None:
    first, second = DAY, date(2026, 5, 5)
    begun = load("native", {"stock": second})
    for day in (first, second):
        landed(store, day=day)
        landed(store, feed="orders", day=day, files=())
        landed(store, feed="items", day=day, files=())
    assert landed_days(store, load("native")) == (first, second), "nothing is awaited of a shop that does not declare the feed"
    assert landed_days(store, begun) == (first,)
    assert landed_files(store, begun, "stock", Interval(first, second)) == ()
    with pytest.raises(NotLandedError, match="feed stock of native on 2026-05-05"):
        landed_files(store, begun, "stock", Interval(first, date(2026, 5, 6)))
    landed(store, feed="stock", day=second, files=())
    assert landed_days(store, begun) == (first, second)


def numbered(content: bytes, source: str = "native", feed: str = "events") -> list[tuple[int, str]]:
    return list(read_lines(io.BytesIO(content), load(source).feed(feed)))


def test_lines_are_numbered_from_one_and_end_at_line_feeds_alone() -> None:
    assert numbered("a\r\nb\x85c\u2028d\n\nlast".encode()) == [(1, "a"), (2, "b\x85c\u2028d"), (3, ""), (4, "last")]


def test_a_gzip_file_of_several_members_is_read_whole() -> None:
    assert numbered(gzip.compress(b"a\n") + gzip.compress(b"b\n")) == [(1, "a"), (2, "b")]


def test_a_header_is_left_out_but_keeps_its_number_and_a_byte_order_mark_does_not_disturb_it() -> None:
    assert numbered(b"\xef\xbb\xbfuser_id,brand_id,type,visit_datetime\n1,2,0,6-4\n", "alibaba2014") == [(2, "1,2,0,6-4")]


@pytest.mark.parametrize(
    "content", [b"", b"1,2,0,6-4\n", b"brand_id,user_id,type,visit_datetime\n", b"user_id\rbrand_id,type", b"x" * 200_000]
)
def test_a_wrong_header_is_bad_data(content: bytes) -> None:
    with pytest.raises(LandingError, match="the header user_id,brand_id,type,visit_datetime"):
        numbered(content, "alibaba2014")


def test_byte_order_marks_and_carriage_returns_are_no_part_of_a_line_so_that_reading_what_land_wrote_changes_nothing() -> None:
    assert numbered(b"\xef\xbb\xbf\xef\xbb\xbfa\r\r\n\xef\xbb\xbfb\r\nc\rd\n") == [(1, "a"), (2, "b"), (3, "c\rd")]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (bz2.compress(b"a\n"), "a bzip2 archive"),
        (lzma.compress(b"a\n"), "an xz archive"),
        (b"PK\x03\x04a\n", "a zip archive"),
        (b"\x28\xb5\x2f\xfda\n", "a Zstandard archive"),
        ("a\n".encode("utf-16"), "text in UTF-16"),
        (gzip.compress(gzip.compress(b"a\n" * 100)), "gzip inside gzip"),
    ],
    ids=["bzip2", "xz", "zip", "zstandard", "utf-16", "gzip in gzip"],  # an archive's bytes hold the second it was made in
)
def test_a_file_that_holds_no_lines_is_named_for_what_it_is(content: bytes, kind: str) -> None:
    with pytest.raises(LandingError, match=f"found {kind}"):
        numbered(content)


def test_bytes_that_are_not_utf8_are_written_out_and_stay_apart() -> None:
    assert numbered(b"caf\xe9 \xe8\n") == [(1, "caf\\xe9 \\xe8")]


def test_a_cut_archive_and_a_line_without_end_are_bad_data() -> None:
    with pytest.raises(LandingError, match="a whole gzip file"):
        numbered(gzip.compress(b"a\n" * 1000)[:-12])
    with pytest.raises(LandingError, match="one record a line"):
        numbered(b"x" * (MAX_LINE_BYTES + 1))


def test_the_hash_covers_the_whole_stream_also_what_was_not_read() -> None:
    stream = HashingStream(io.BytesIO(CONTENT + b"behind the archive"))
    stream.read(3)
    assert stream.sha256() == hashlib.sha256(CONTENT + b"behind the archive").hexdigest()


def test_the_same_marker_has_the_same_bytes() -> None:
    marker = Marker("native", "events", DAY, 1, (FILE,))
    assert Marker.from_json(marker.to_json(), "k").to_json() == replace(marker).to_json()
