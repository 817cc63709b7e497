"""The report of a release: one page that needs no other file, made of small figures. Pure but for ``write``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from markupsafe import Markup

from jobs.reports import places, plots
from jobs.reports.release_figures import STEPS, Figures, Move, Segment, schemes
from jobs.reports.templates import ENVIRONMENT, stylesheet
from jobs.store import Store

MINOR_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "BHD": 3, "KWD": 3, "OMR": 3, "JOD": 3, "TND": 3}
"""Digits behind the point where they are not two (ISO 4217)."""

STEP_WORDS = {
    "visit": "visits",
    "viewed": "viewed an item",
    "carted": "filled a cart",
    "checkout": "began a checkout",
    "purchased": "bought",
}
SCHEME_WORDS = {
    "rfm": ("Recency, frequency, money", "A rule, the same every day."),
    "behaviour": ("Behaviour", "Clusters of what users do."),
    "taste": ("Taste", "Clusters of what users like."),
    "density": ("Density", "Dense groups of users who behave alike, and who is unlike any."),
    "lifecycle": ("Lifecycle", "A rule by first and last visit, the same every day."),
    "affinity": ("Affinity", "The category that users do clearly more with than others do."),
}
NEWCOMERS = "(no user then)"
MOST_SHADES = 5
MOST_WORTH = 5
"""Moves that are named with what their users have spent."""


@dataclass(frozen=True)
class About:
    """What the page says of the release itself; ``quality`` is table -> expectations evaluated, critical_failed, warnings."""

    release_id: str
    created_at: datetime
    run_id: str
    code_version: str
    models: Mapping[str, str]
    quality: Mapping[str, Mapping[str, int]]
    exports: Mapping[str, Mapping[str, Any]]
    previous_id: str | None = None


@dataclass(frozen=True)
class Tile:
    """A headline: what it is, the figure, and how it came since the release before."""

    label: str
    figure: str
    note: str


@dataclass(frozen=True)
class Step:
    """A step of the funnel: its width in percent of the first, and its share of the step before."""

    words: str
    visits: int
    width: float
    of_before: float | None


@dataclass(frozen=True)
class Cell:
    """A cell of the migration: users, and how dark it is, from 0 (none) to ``MOST_SHADES``."""

    users: int
    shade: int


@dataclass(frozen=True)
class Migration:
    """Who went where in one scheme: a row an origin, a cell a target, in the order of ``targets``.

    ``worth`` are the moves of those who have spent most, falling.
    """

    targets: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    moved: int
    newcomers: int
    worth: tuple[Move, ...]


@dataclass(frozen=True)
class Scheme:
    """One scheme of segments with its migration; None where nothing moved or nothing is known."""

    name: str
    words: str
    how: str
    segments: tuple[Segment, ...]
    changes: Mapping[str, int]
    migration: Migration | None


def write(store: Store, figures: Figures, about: About, before: Figures | None) -> str:
    """Write page and figures of a release; returns the page's key. Neither is listed before the release is committed."""
    key = places.release_page(about.release_id)
    store.write(places.release_figures(about.release_id), figures.to_json(), content_type="application/json")
    store.write(key, render(figures, about, before).encode(), content_type="text/html; charset=utf-8")
    return key


def render(figures: Figures, about: About, before: Figures | None) -> str:
    """The page: the same figures give the same text."""
    days = plots.Days(min(figures.days, default=figures.day), figures.day)
    here = places.release_page(about.release_id)
    return ENVIRONMENT.get_template("release.html").render(
        stylesheet=stylesheet(),
        figures=figures,
        about=about,
        before=before,
        tiles=tiles(figures, before),
        funnel=funnel(figures.funnel),
        charts=charts(figures, days),
        schemes=[scheme(figures, before, name) for name in schemes(figures.segments)],
        evaluated=sum(verdict["evaluated"] for verdict in about.quality.values()),
        critical=sum(verdict["critical_failed"] for verdict in about.quality.values()),
        warnings={name: verdict["warnings"] for name, verdict in sorted(about.quality.items()) if verdict["warnings"]},
        index=places.between(here, places.RELEASES),
        previous=places.between(here, places.release_page(about.previous_id)) if about.previous_id else None,
        money=lambda minor: money(minor, figures.currency),
        percent=plots.percent,
        days_behind=(figures.day - figures.newest_event_date).days if figures.newest_event_date else None,
    )


def tiles(figures: Figures, before: Figures | None) -> list[Tile]:
    """The headline figures; one that is not known is left out."""
    today = figures.today
    then = before.today if before else None
    was = before.served if before else None
    found = [
        Tile("users", f"{figures.users:,}", _since(figures.users, before.users if before else None)),
        Tile("active in 7 days", f"{figures.active_users:,}", _since(figures.active_users, before.active_users if before else None)),
        Tile("new in 7 days", f"{figures.new_users:,}", _since(figures.new_users, before.new_users if before else None)),
        Tile("visits of the day", f"{today.visits:,}", _since(today.visits, then.visits if then else None)),
        Tile("orders of the day", f"{today.orders:,}", _since(today.orders, then.orders if then else None)),
    ]
    if today.revenue_minor is not None:
        found.append(
            Tile(
                "sales of the day",
                money(today.revenue_minor, figures.currency, is_whole=True),
                _since(today.revenue_minor, then.revenue_minor if then else None),
            )
        )
    if figures.served:
        served = figures.served
        shown = f"{served.items:,}" + (f" of {served.items_on_sale:,}" if served.items_on_sale else "")
        found.append(Tile("items recommended", shown, _since(served.items, was.items if was else None)))
        share, old = served.personal_places / served.places, was.personal_places / was.places if was else None
        note = "" if old is None else "as before" if round(100 * (share - old), 1) == 0 else f"{100 * (share - old):+.1f} points"
        found.append(Tile("places for one user alone", plots.percent(round(share, 3)), note))
    return found


def funnel(counts: Mapping[str, int]) -> list[Step]:
    """The steps of the funnel; one that the shop does not have (no visit took it, though later ones were) is left out."""
    if not counts.get(STEPS[0]):
        return []
    steps = [step for step, later in zip(STEPS, _later(STEPS), strict=True) if counts[step] or not any(counts[one] for one in later)]
    found = list[Step]()
    for place, step in enumerate(steps):
        earlier = counts[steps[place - 1]] if place else 0
        width = round(100 * counts[step] / counts[STEPS[0]], 2)
        found.append(Step(STEP_WORDS[step], counts[step], width, counts[step] / earlier if earlier else None))
    return found


def _later(steps: Sequence[str]) -> list[Sequence[str]]:
    return [steps[place + 1 :] for place in range(len(steps))]


@dataclass(frozen=True)
class Chart:
    """A drawing and the table behind it, newest day first."""

    title: str
    drawing: Markup
    rows: tuple[tuple[date, str], ...]


def charts(figures: Figures, days: plots.Days) -> list[Chart]:
    """Visits, orders and sales by day; without what no day has."""
    digits = MINOR_DIGITS.get(figures.currency or "", 2)
    series = {
        ("Visits a day", "visits"): {day: one.visits for day, one in figures.days.items() if one.visits},
        ("Orders a day", "orders"): {day: one.orders for day, one in figures.days.items() if one.orders},
        (f"Sales a day{f', {figures.currency}' if figures.currency else ''}", figures.currency or ""): {
            day: round(one.revenue_minor / 10**digits) for day, one in figures.days.items() if one.revenue_minor
        },
    }
    return [
        Chart(
            title,
            plots.bars(days, values, title=title, unit=unit, median=None, marks={}),
            tuple((day, f"{value:,}") for day, value in sorted(values.items(), reverse=True)),
        )
        for (title, unit), values in series.items()
        if values
    ]


def scheme(figures: Figures, before: Figures | None, name: str) -> Scheme:
    """A scheme as the page shows it."""
    words, how = SCHEME_WORDS.get(name, (name.capitalize(), ""))
    mine = tuple(one for one in figures.segments if one.scheme == name)
    old = {one.name: one.users for one in before.segments if one.scheme == name} if before else {}
    changes = {one.name: one.users - old.get(one.name, 0) for one in mine} if old else {}
    return Scheme(name, words, how, mine, changes, migration(mine, [move for move in figures.moves if move.scheme == name]))


def migration(segments: Sequence[Segment], moves: Sequence[Move]) -> Migration | None:
    """The matrix: who stayed is who is there and did not come; None where nobody moved."""
    if not moves:
        return None
    sizes = {one.name: one.users for one in segments}
    origins = sorted({move.origin for move in moves if move.origin is not None} | set(sizes), key=lambda one: (-sizes.get(one, 0), one))
    targets = sorted(set(sizes) | {move.target for move in moves}, key=lambda one: (-sizes.get(one, 0), one))
    users = {(move.origin or NEWCOMERS, move.target): move.users for move in moves}
    for name, size in sizes.items():
        users[name, name] = size - sum(count for (_, target), count in users.items() if target == name)
    newcomers = sum(count for (origin, _), count in users.items() if origin == NEWCOMERS)
    if newcomers:
        origins.append(NEWCOMERS)
    most = max((count for (origin, target), count in users.items() if origin != target), default=0)

    def cell(origin: str, target: str) -> Cell:
        count = users.get((origin, target), 0)
        return Cell(count, 0 if origin == target or not count else max(1, round(MOST_SHADES * count / most)))

    rows = tuple((origin, tuple(cell(origin, target) for target in targets)) for origin in origins)
    known = [move for move in moves if move.origin is not None]
    worth = sorted((move for move in known if move.spend_minor), key=lambda one: (-(one.spend_minor or 0), one.origin or "", one.target))
    return Migration(tuple(targets), rows, sum(move.users for move in known), newcomers, tuple(worth[:MOST_WORTH]))


def money(minor: float | None, currency: str | None, *, is_whole: bool = False) -> str:
    """An amount for a person; without a known currency as two digits behind the point, and without any where ``is_whole``.

    >>> money(123456, "EUR"), money(123456, "JPY"), money(-5, None), money(123456, "EUR", is_whole=True)
    ('1,234.56 EUR', '123,456 JPY', '-0.05', '1,235 EUR')
    """
    if minor is None:
        return ""
    digits = MINOR_DIGITS.get(currency or "", 2)
    return f"{minor / 10**digits:,.{0 if is_whole else digits}f}" + (f" {currency}" if currency else "")


def _since(now: int, then: int | None) -> str:
    """How a figure came since the release before.

    >>> _since(110, 100), _since(90, 100), _since(999, 1000), _since(5, 0), _since(5, 5), _since(5, None)
    ('+10%', '-10%', 'about as before', '0 before', 'as before', '')
    """
    if then is None:
        return ""
    if now == then:
        return "as before"
    if not then:
        return "0 before"
    change = round((now - then) / then, 2)
    return f"{change:+.0%}" if change else "about as before"
