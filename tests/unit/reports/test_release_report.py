"""The report of a release says what its figures are, against those before, and needs nothing from elsewhere."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from jobs.reports.release_figures import DayFigures, Figures, Move, Segment, Served, Tagged
from jobs.reports.release_report import NEWCOMERS, About, funnel, migration, render, tiles

DAY = date(2026, 6, 30)


def segment(name: str, users: int, scheme: str = "rfm") -> Segment:
    return Segment(
        scheme, name, users, users / 100, 0.25, 0.5, 1.2, 8.0, 12_345.0, "tea", "more orders (+1.2 sd)", "They buy.", "Thank them."
    )


FIGURES = Figures(
    day=DAY,
    currency="EUR",
    users=100,
    active_users=60,
    new_users=7,
    buyers=40,
    days={DAY - timedelta(days=n): DayFigures(300 + n, 30 + n, 100_000 + n) for n in range(28)},
    funnel={"visit": 1000, "viewed": 800, "carted": 200, "checkout": 0, "purchased": 50},
    funnel_basis="session",
    segments=(segment("Champions", 70), segment("At risk <b>", 30), segment("Likes tea", 100, "taste")),
    moves=(Move("rfm", "Champions", "At risk <b>", 5), Move("rfm", "At risk <b>", "Champions", 1), Move("rfm", None, "Champions", 2)),
    compared_date=DAY - timedelta(days=1),
    tags=(Tagged("repeat_buyer", "crm", "Has ordered at least twice.", 30, 0.3), Tagged("explorer", "crm", "Looks around.", 0, 0.0)),
    served=Served(100, 2_000, 1_500, 90, 400),
    newest_event_date=DAY,
)
BEFORE = replace(
    FIGURES,
    day=DAY - timedelta(days=1),
    users=80,
    segments=(segment("Champions", 74), segment("At risk <b>", 26)),
    served=Served(80, 1_600, 1_120, 90, 400),
)
NOTHING = Figures(DAY, None, 0, 0, 0, 0, {}, {}, None, (), (), None, (), None, None)
ABOUT = About(
    release_id="2026-06-30-000002",
    created_at=datetime(2026, 7, 1, 0, 20, tzinfo=UTC),
    run_id="scheduled__2026-06-30",
    code_version="1.2.3",
    models={"recommender": "als version 4", "segments": "RFM quintiles (no model yet)"},
    quality={
        "gold.user_segments": {"evaluated": 12, "critical_failed": 0, "warnings": 0},
        "gold.user_tags": {"evaluated": 5, "critical_failed": 0, "warnings": 1},
    },
    exports={"user_segments": {"rows": 100, "schema_version": 1, "content_hash": "100-0f"}},
    previous_id="2026-06-29-000001",
)


class Page(HTMLParser):
    """What a reader sees, what a browser would fetch, and how headings and tables follow each other."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.levels: list[int] = []
        self.seen: list[str] = []
        self._inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._inside.append(tag)
        if tag == "a":
            self.links.append(given.get("href") or "")
        self.fetched += [
            value for name, value in attrs if value and (name in {"src", "srcset", "data"} or (tag == "link" and name == "href"))
        ]
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))

    def handle_data(self, data: str) -> None:
        if data.strip() and self._inside[-1:] != ["style"]:
            self.seen.append(" ".join(data.split()))

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    @property
    def text(self) -> str:
        return " ".join(self.seen)


@pytest.fixture(scope="module")
def text() -> str:
    return render(FIGURES, ABOUT, BEFORE)


def test_moves_are_named_with_what_their_users_have_spent_the_most_first() -> None:
    moves = (
        Move("rfm", "Champions", "At risk", 5, 20_000),
        Move("rfm", "At risk", "Champions", 1, 90_000),
        Move("rfm", None, "Champions", 2, 7),
    )
    found = migration((segment("Champions", 70), segment("At risk", 30)), moves)
    assert found is not None
    assert [move.spend_minor for move in found.worth] == [90_000, 20_000]
    page = render(replace(FIGURES, segments=(segment("Champions", 70), segment("At risk", 30)), moves=moves), ABOUT, None)
    assert page.index("<li>At risk to Champions: 900.00 EUR, 1 users</li>") < page.index(
        "<li>Champions to At risk: 200.00 EUR, 5 users</li>"
    )
    assert "have spent so far" not in render(FIGURES, ABOUT, None)


def test_a_segment_that_a_rule_tells_apart_shows_it_with_how_well_it_does() -> None:
    told = replace(segment("Champions", 70), rule="orders: 4 or more", rule_precision=0.9, rule_coverage=0.8125)
    page = render(replace(FIGURES, segments=(told, segment("At risk", 30))), ABOUT, None)
    assert page.count("In short: ") == 1
    assert "In short: orders: 4 or more. 90% of whom that describes are in the segment, 81.2% of the segment is described." in page


def test_figures_are_kept_and_come_back(text: str) -> None:
    again = Figures.from_json(FIGURES.to_json())
    assert again == FIGURES
    assert render(FIGURES, ABOUT, Figures.from_json(BEFORE.to_json())) == text
    assert Figures.from_json(NOTHING.to_json()) == NOTHING
    assert Figures.from_json(None) is None
    assert Figures.from_json(b'{"form": 0}') is None


def test_headlines_stand_against_the_release_before() -> None:
    found = {tile.label: (tile.figure, tile.note) for tile in tiles(FIGURES, BEFORE)}
    assert found["users"] == ("100", "+25%")
    assert found["active in 7 days"] == ("60", "as before")
    assert found["sales of the day"] == ("1,000 EUR", "about as before")
    assert found["items recommended"] == ("90 of 400", "as before")
    assert found["places for one user alone"] == ("75%", "+5.0 points")
    assert {tile.note for tile in tiles(FIGURES, None)} == {""}
    assert {tile.label for tile in tiles(NOTHING, None)}.isdisjoint({"sales of the day", "items recommended"})


def test_the_funnel_leaves_out_a_step_that_the_shop_does_not_have_and_keeps_one_that_nobody_reached() -> None:
    assert [(step.words, step.width, step.of_before) for step in funnel(FIGURES.funnel)] == [
        ("visits", 100.0, None),
        ("viewed an item", 80.0, 0.8),
        ("filled a cart", 20.0, 0.25),
        ("bought", 5.0, 0.25),
    ]
    idle = {"visit": 9, "viewed": 3, "carted": 0, "checkout": 0, "purchased": 0}
    assert [step.visits for step in funnel(idle)] == [9, 3, 0, 0, 0]
    assert funnel({}) == funnel(dict.fromkeys(idle, 0)) == []


def test_the_migration_tells_who_stayed_who_moved_and_who_is_new() -> None:
    found = migration(FIGURES.segments[:2], FIGURES.moves)
    assert found is not None
    assert found.targets == ("Champions", "At risk <b>")
    assert {origin: [(cell.users, cell.shade) for cell in cells] for origin, cells in found.rows} == {
        "Champions": [(67, 0), (5, 5)],
        "At risk <b>": [(1, 1), (25, 0)],
        NEWCOMERS: [(2, 2), (0, 0)],
    }
    assert (found.moved, found.newcomers) == (6, 2)
    assert sum(cell.users for _, cells in found.rows for cell in cells) == 100
    assert migration(FIGURES.segments[:2], []) is None


def test_the_page_says_it_all_and_fetches_nothing(text: str) -> None:
    page = Page(text)
    assert page.fetched == []
    assert page.links == ["index.html", "2026-06-29-000001.html"]
    assert "default-src 'none'" in text
    for words in ("Release 2026-06-30-000002", "Tuesday, 2026-06-30", "+25%", "Who went where since 2026-06-29: 6 users, and 2 newcomers"):
        assert words in page.text
    for words in (
        "repeat_buyer",
        "Thank them.",
        "22.5% of what is on sale",
        "17 expectations were held against 2 tables",
        "gold.user_tags (1)",
        "100-0f",
    ):
        assert words in page.text
    assert "At risk <b>" in page.text
    assert "<b>At risk" not in text


def test_every_chart_is_told_in_words_and_has_a_table_behind_it(text: str) -> None:
    drawings = re.findall(r"<svg viewBox.*?role=\"img\">.*?</svg>", text, re.DOTALL)
    assert len(drawings) == 3
    for drawing in drawings:
        root = ET.fromstring(drawing)  # noqa: S314  (our own markup)
        assert root.findtext("title")
        assert root.findtext("desc")
    assert text.count("as a table</summary>") == 3


def test_headings_follow_each_other_and_every_cell_has_a_heading(text: str) -> None:
    levels = Page(text).levels
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("scope=" in cell for cell in re.findall(r"<th(?:\s[^>]*)?>", text))


def test_a_release_without_anything_says_so_part_by_part() -> None:
    page = Page(render(NOTHING, replace(ABOUT, quality={}, exports={}, models={}, previous_id=None), None))
    for words in (
        "There is no earlier release",
        "No visit and no order",
        "No visit is known",
        "no segments",
        "no tags",
        "no recommendations",
        "No event is known",
    ):
        assert words in page.text


@pytest.mark.parametrize(
    ("days_behind", "words"), [(0, "of the day itself"), (1, "of 2026-06-29, 1 day before"), (3, "of 2026-06-27, 3 days before")]
)
def test_freshness_is_told(days_behind: int, words: str) -> None:
    stale = replace(FIGURES, newest_event_date=DAY - timedelta(days=days_behind))
    assert f"The newest event is {words}." in Page(render(stale, ABOUT, None)).text
