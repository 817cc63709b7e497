"""A source declares everything that is needed to read its files, and cannot contradict itself."""

from dataclasses import replace
from datetime import date

import pytest

from jobs.sources.source import Csv, UnknownSourceError, known_sources, load
from tests.parsed_lines import every_feed

CANONICAL_RENAMED = {"user_id": "user_id", "user": "user_id"}


def test_all_declared_sources_load() -> None:
    assert known_sources() == ("alibaba2014", "native", "online_retail", "rees46", "retailrocket", "synthetic", "taobao")
    assert [load(name).name for name in known_sources()] == list(known_sources())


def test_an_unknown_source_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(UnknownSourceError, match=r"expected one of alibaba2014, native, .*; found nativ\."):
        load("nativ")


def test_a_module_beside_the_sources_is_no_source() -> None:
    with pytest.raises(UnknownSourceError):
        load("parsing")


def test_the_synthetic_shop_comes_in_the_native_format() -> None:
    synthetic, native = load("synthetic"), every_feed("native")
    assert [(feed.name, feed.schema, feed.files) for feed in synthetic.feeds] == [
        (feed.name, feed.schema, feed.files) for feed in native.feeds
    ]
    assert not any(feed.is_optional for feed in synthetic.feeds), "it sends all of them"


def test_a_shop_gets_of_the_optional_feeds_those_that_it_declares() -> None:
    assert [feed.name for feed in load("native").feeds] == ["events", "orders", "items"]
    assert (load("native").stock, load("native").consents, load("native").contacts) == (None, None, None)
    begun = load("native", {"stock": date(2026, 5, 5)})
    assert [feed.name for feed in begun.feeds] == ["events", "orders", "items", "stock"]
    assert (begun.stock is not None, begun.consents, begun.contacts) == (True, None, None)
    assert [begun.feed("stock").is_sent_on(date(2026, 5, day)) for day in (4, 5)] == [False, True]


def test_an_optional_feed_that_the_source_does_not_have_is_refused() -> None:
    with pytest.raises(UnknownSourceError, match=r"source taobao: expected some of none: it has no optional feed; found stock"):
        load("taobao", {"stock": date(2026, 5, 5)})
    with pytest.raises(UnknownSourceError, match=r"source native: expected some of stock, consents, contacts; found orders"):
        load("native", {"orders": date(2026, 5, 5)})


def test_a_mapping_to_an_unknown_column_is_refused() -> None:
    source = load("taobao")
    with pytest.raises(ValueError, match="events maps user, which is no canonical column"):
        replace(source, events=replace(source.events, columns=CANONICAL_RENAMED, identity=("user_id",), carries_user_id=()))


def test_a_primary_canonical_that_filters_is_refused_because_rows_would_vanish() -> None:
    source = load("taobao")
    with pytest.raises(ValueError, match="rows would vanish"):
        replace(source, events=replace(source.events, where="behavior = 'pv'"))


def test_a_feed_that_nobody_accounts_for_is_refused() -> None:
    source = load("online_retail")
    with pytest.raises(ValueError, match="feed orders has 0 primary canonicals"):
        replace(source, order_lines=replace(source.order_lines, derived=True))


def test_a_quoted_delimiter_does_not_split_a_field() -> None:
    feed = load("online_retail").feed("orders")
    record = feed.record('536477,22041,"RECORD FRAME 7"" SIZE, BLUE",48,2010-12-01 12:27:00,2.1,16210,United Kingdom')
    assert record["Description"] == 'RECORD FRAME 7" SIZE, BLUE'


@pytest.mark.parametrize(
    ("source", "feed", "line", "day"),
    [
        ("native", "events", '{"occurred_at": "2026-05-04T23:30:00-05:00"}', date(2026, 5, 5)),
        ("native", "orders", '{"ordered_at": "2026-05-04T00:00:00Z"}', date(2026, 5, 4)),
        ("native", "items", '{"observed_at": "2026-05-04"}', date(2026, 5, 4)),
        ("native", "stock", '{"observed_at": "2026-05-04T23:30:00-05:00"}', date(2026, 5, 5)),
        ("native", "consents", '{"decided_at": "2026-05-04T10:00:00Z"}', date(2026, 5, 4)),
        ("native", "contacts", '{"observed_at": "2026-05-04T23:30:00-05:00"}', date(2026, 5, 5)),
        ("alibaba2014", "events", "1,2,0,6-4", date(2013, 6, 4)),
        ("taobao", "events", "1,2,3,pv,1511658000", date(2017, 11, 26)),
        ("retailrocket", "events", "1430636062541,285933,view,298009,", date(2015, 5, 3)),
        ("rees46", "events", "2019-10-01 23:59:59 UTC,view,1,2,,,1.0,3,s", date(2019, 10, 1)),
        ("online_retail", "orders", "536365,71053,LAMP,6,2010-12-01 08:26:00,3.39,17850,United Kingdom", date(2010, 12, 1)),
    ],
)
def test_the_day_of_a_record_is_its_utc_day(source: str, feed: str, line: str, day: date) -> None:
    assert every_feed(source).feed(feed).day_of(line) == day


@pytest.mark.parametrize(
    ("source", "feed", "line"),
    [
        ("native", "events", '{"occurred_at": "2026-05-04T23:30:00Z"'),
        ("native", "events", '{"occurred_at": null}'),
        ("native", "events", "[1]"),
        ("native", "events", "[" * 100_000),
        ("native", "events", '{"occurred_at": "0001-01-01T00:00:00+14:00"}'),
        ("alibaba2014", "events", "1,2,0,2-30"),
        ("alibaba2014", "events", "1,2,0"),
        ("taobao", "events", "301780,543546,4181361,pv,15"),
        ("taobao", "events", "1,2,3,pv,1911658000"),
        ("retailrocket", "events", "1430636062,285933,view,298009,"),
        ("rees46", "events", "2019-10-01T09:09:00Z,view,1,2,,,1.0,3,s"),
        ("online_retail", "orders", ""),
    ],
)
def test_a_record_whose_day_cannot_be_told_raises_value_error(source: str, feed: str, line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - every cause is a ValueError, whatever its words
        load(source).feed(feed).day_of(line)


def test_every_feed_knows_its_files_by_name() -> None:
    native = load("native")
    assert native.feed("orders").holds("orders-2026-05-04.jsonl.gz")
    assert not native.feed("events").holds("orders-2026-05-04.jsonl.gz")
    assert all(feed.holds("events.csv.gz") for feed in load("alibaba2014").feeds if isinstance(feed.format, Csv))
