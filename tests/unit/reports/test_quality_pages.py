"""The pages say what was recorded, lead to each other, and need nothing from elsewhere."""

import posixpath
import re
from datetime import timedelta
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from jobs.reports import places
from jobs.reports.quality_pages import render
from jobs.reports.window import ColumnState, Failure, Recorded, Window
from tests.recorded_days import LAST_DAY, a_shop, anomaly, audit, state

EVENTS = places.table_page("silver.events")
DAY = timedelta(days=1)


def pages(*recorded: Recorded) -> dict[str, str]:
    window = Window()
    for rows in recorded:
        window = window.with_recorded(rows)
    return render(window)


@pytest.fixture(scope="module")
def shop() -> dict[str, str]:
    return pages(a_shop(60))


class Words(HTMLParser):
    """What a reader sees, and what a browser would fetch or follow."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if tag in {"script", "link", "img", "iframe", "object", "use"}:
            self.fetched.append(tag)

    def handle_data(self, data: str) -> None:
        self.seen.append(data)


def words(text: str) -> Words:
    parser = Words()
    parser.feed(text)
    return parser


def seen(text: str) -> str:
    return " ".join(" ".join(words(text.partition("<body>")[2]).seen).split())


def test_nothing_recorded_is_a_page_too() -> None:
    assert "Nothing has been recorded yet" in render(Window())[places.INDEX]


def test_every_table_has_a_page_and_a_line_that_leads_to_it(shop: dict[str, str]) -> None:
    tables = {audit.table for audit in a_shop(1).audits}
    assert set(shop) == {places.INDEX, *map(places.table_page, tables)}
    assert {f"{table}.html" for table in tables} <= set(words(shop[places.INDEX]).links)


def test_every_link_leads_to_a_page_that_is_written(shop: dict[str, str]) -> None:
    docs = {places.data_docs(a.table, a.end - DAY, a.run_id, a.attempt) for a in a_shop(60).audits}
    for key, text in shop.items():
        targets = {posixpath.normpath(posixpath.join(posixpath.dirname(key), link)) for link in words(text).links}
        assert targets
        assert targets <= set(shop) | docs


def test_a_page_fetches_nothing(shop: dict[str, str]) -> None:
    for text in shop.values():
        assert words(text).fetched == []
        assert not re.search(r"https?://|url\(|@import", text)
        assert "default-src 'none'" in text


def test_every_drawing_is_well_formed_and_says_what_it_shows(shop: dict[str, str]) -> None:
    drawings = [ET.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", shop[EVENTS], re.DOTALL)]  # noqa: S314
    plots = [svg for svg in drawings if svg.get("role") == "img"]
    assert len(plots) > 10
    for svg in plots:
        title, told = svg.find("title"), svg.find("desc")
        assert title is not None
        assert title.text
        assert told is not None
        assert told.text


def test_the_same_window_gives_the_same_pages(shop: dict[str, str]) -> None:
    assert pages(a_shop(60)) == shop


def test_the_newest_day_stands_against_the_median_of_the_days_before() -> None:
    days = [(LAST_DAY - 2 * DAY, 100), (LAST_DAY - DAY, 200), (LAST_DAY, 225)]
    found = pages(Recorded(tuple(audit(day) for day, _ in days), tuple(state(day, rows=rows) for day, rows in days)))
    assert "225 +50%" in seen(found[places.INDEX])
    assert "+50% against the median day" in seen(found[EVENTS])


def test_a_day_that_has_not_been_is_no_newest_day() -> None:
    days = (state(rows=500), state(LAST_DAY + DAY, rows=2, run_id=audit().run_id))
    text = seen(pages(Recorded((audit(),), days))[EVENTS])
    assert "newest day 2026-06-30" in text
    assert "rows of that day 500" in text


def test_without_states_a_publication_of_one_day_alone_tells_its_rows() -> None:
    alone = audit(table="bronze.events", partition_count=1, rows_written=77)
    text = seen(pages(Recorded((alone, audit())))[places.INDEX])
    assert re.findall(r"bronze.events .*? (77)", text)
    assert "1,000" not in text


def test_a_table_that_stayed_behind_says_how_far() -> None:
    old = LAST_DAY - 3 * DAY
    found = pages(Recorded((audit(), audit(old, table="gold.funnels")), (state(), state(old, table="gold.funnels"))))
    assert "3 days behind" in seen(found[places.INDEX])


def test_the_share_of_rejected_rows_and_each_reason_are_told() -> None:
    found = pages(Recorded((audit(read=2_000, rejected=50, reasons={"no_user": 40, "unreadable": 20}),), (state(),)))
    assert "2.5%" in seen(found[places.INDEX])
    assert "no_user 40" in seen(found[EVENTS])
    assert re.search(r"<title>2026-06-30: 50 of 2,000 rejected: no_user 20 of 1,000 rows read</title>", found[EVENTS])


def test_reasons_beyond_the_colours_are_counted_together() -> None:
    reasons = {f"r{n}": 100 - n for n in range(9)}
    page = pages(Recorded((audit(read=1_000, reasons=reasons),), (state(),)))[EVENTS]
    assert f"other {94 + 93 + 92}" in seen(page)
    assert "other 279 of 1,000 rows read" in page
    assert "r6" not in seen(page)


def test_a_failed_attempt_shows_its_message_and_its_data_docs() -> None:
    why = Failure("expect_column_values_to_be_in_set", "event_type", "critical", "{}", "{}")
    failed = audit(outcome="failed: AuditError", failures=(why,), message="found <b>480</b>", run_id="manual")
    found = pages(Recorded((failed,)))
    text = seen(found[places.INDEX])
    assert "AuditError" in text
    assert "found <b>480</b>" in text
    assert "<b>480" not in found[places.INDEX].partition("<body>")[2].replace("&lt;b&gt;480", "")
    assert "../data_docs/silver.events/2026-06-30/manual-1.html" in words(found[places.INDEX]).links
    assert "11 of 12" in seen(found[EVENTS])


def test_an_attempt_that_was_never_audited_has_no_data_docs() -> None:
    found = pages(Recorded((audit(outcome="failed: LandingError", evaluated=0),)))
    assert "not audited" in seen(found[places.INDEX])
    assert not [link for link in words(found[places.INDEX]).links if "data_docs" in link]


def test_an_open_anomaly_is_told_and_marked_over_its_day() -> None:
    told = anomaly(sentence="fewer rows than ever")
    found = pages(Recorded((audit(),), (state(),), (told,)))[EVENTS]
    assert "fewer rows than ever" in seen(found)
    assert 'title="2026-06-30: fewer rows than ever">▼' in found
    assert 'class="bar marked"' in found


def test_a_column_with_an_anomaly_comes_first() -> None:
    columns = {name: ColumnState(null_count=0, distinct=3) for name in ("a", "b", "z")}
    found = pages(Recorded((audit(),), (state(columns=columns),), (anomaly(subject="z", rule="null_share"),)))[EVENTS]
    assert re.findall(r"<h3>(\w+)</h3>", found) == ["z", "a", "b"]


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (ColumnState(250, 4, (), {"view": 600, "cart": 150}), "on 2026-06-30: view 80.0%, cart 20.0%"),
        (ColumnState(250, 40, (1.0, 2.5, 9.0), {}), "on 2026-06-30 the median is 2.5, 80% lie between 1 and 9"),
        (ColumnState(250, 40, (), {}), "40 on 2026-06-30, from 40 to 40"),
    ],
)
def test_a_column_shows_its_values_or_its_quantiles_or_how_many_it_has(column: ColumnState, told: str) -> None:
    found = pages(Recorded((audit(),), (state(columns={"c": column}),)))[EVENTS]
    assert f"<desc>{told}</desc>" in found
    assert "<desc>25% on 2026-06-30, from 25% to 25%</desc>" in found


def test_an_empty_day_and_an_empty_column_are_drawn() -> None:
    columns = {"c": ColumnState(null_count=0, distinct=0)}
    found = pages(Recorded((audit(read=0, rejected=0, reasons={}),), (state(rows=0, columns=columns),)))[EVENTS]
    assert "no rows" in seen(found)
