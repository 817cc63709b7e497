"""The figures of a release's report: a few small aggregates of the tables that the release shows, and how they came since the last."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any, Self

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.vocabulary import SCHEMES

DAYS = 28
"""Days that the report shows, ending with the release's own."""

FORM = 1
"""Form of the kept figures; those of another form are not compared with."""

STEPS = ("visit", "viewed", "carted", "checkout", "purchased")
MOST_MOVES = 400
"""Cells of the migration that are kept at most, the largest first: a scheme has some dozens of segments."""


@dataclass(frozen=True)
class Sources:
    """The tables of a release at its snapshots, by their noun; a table that the release has not is absent."""

    frames: Mapping[str, DataFrame]

    def of(self, noun: str) -> DataFrame | None:
        """The frame, or None."""
        return self.frames.get(noun)


@dataclass(frozen=True)
class Segment:
    """A line of ``gold.segment_profiles``."""

    scheme: str
    name: str
    users: int
    share: float
    spend_share: float | None
    buyer_share: float
    mean_orders: float
    mean_recency_days: float
    mean_spend_minor: float | None
    top_category: str | None
    distinguishing: str
    meaning: str
    action: str
    rule: str | None = None
    rule_precision: float | None = None
    rule_coverage: float | None = None


@dataclass(frozen=True)
class Move:
    """How many users of a scheme came from one segment into another, and what they have spent so far, None where no price is known.

    ``origin`` is None of those who were no users then.
    """

    scheme: str
    origin: str | None
    target: str
    users: int
    spend_minor: int | None = None


@dataclass(frozen=True)
class Tagged:
    """A line of ``gold.tag_sizes``."""

    name: str
    owner: str
    meaning: str
    users: int
    share: float


@dataclass(frozen=True)
class DayFigures:
    """What happened on one day; money in minor units, None where no price is known."""

    visits: int = 0
    orders: int = 0
    revenue_minor: int | None = None


@dataclass(frozen=True)
class Served:
    """What the recommendations are made of: users, places, places filled for the user alone, different items, items on sale."""

    users: int
    places: int
    personal_places: int
    items: int
    items_on_sale: int | None


@dataclass(frozen=True)
class Figures:
    """Everything that a report shows of its day; a part without data is empty or None."""

    day: date
    currency: str | None
    users: int
    active_users: int
    new_users: int
    buyers: int
    days: Mapping[date, DayFigures]
    funnel: Mapping[str, int]
    funnel_basis: str | None
    segments: tuple[Segment, ...]
    moves: tuple[Move, ...]
    compared_date: date | None
    tags: tuple[Tagged, ...]
    served: Served | None
    newest_event_date: date | None
    form: int = field(default=FORM)

    def to_json(self) -> bytes:
        """The figures as they are kept beside the page, for the next report to be compared with."""
        content = asdict(self)
        content["days"] = {str(day): asdict(one) for day, one in self.days.items()}
        return json.dumps(content, default=str, sort_keys=True).encode()

    @classmethod
    def from_json(cls, text: bytes | None) -> Self | None:
        """The inverse; None where there are none, or of another form."""
        content: dict[str, Any] = json.loads(text) if text else {}
        if content.get("form") != FORM:
            return None
        return cls(
            **content
            | {
                "day": date.fromisoformat(content["day"]),
                "days": {date.fromisoformat(day): DayFigures(**one) for day, one in content["days"].items()},
                "segments": tuple(Segment(**one) for one in content["segments"]),
                "moves": tuple(Move(**one) for one in content["moves"]),
                "tags": tuple(Tagged(**one) for one in content["tags"]),
                "served": Served(**content["served"]) if content["served"] else None,
                "compared_date": _day(content["compared_date"]),
                "newest_event_date": _day(content["newest_event_date"]),
            }
        )

    @property
    def today(self) -> DayFigures:
        """What happened on the day itself."""
        return self.days.get(self.day, DayFigures())


def figures_of(sources: Sources, day: date) -> Figures:
    """Look at each table once; what reaches the driver is a line a day, segment, move or tag."""
    users = _users(sources.of("user_features"), day)
    days, currency = _days(sources, day)
    funnel, basis = _funnel(sources.of("daily_funnels"), day)
    moves, compared = _moves(sources.of("membership_changes"), sources.of("user_features"), day)
    return Figures(
        day=day,
        currency=currency,
        days=days,
        funnel=funnel,
        funnel_basis=basis,
        segments=_segments(sources.of("segment_profiles"), day),
        moves=moves,
        compared_date=compared,
        tags=_tags(sources.of("tag_sizes"), day),
        served=_served(sources.of("recommendations"), sources.of("items"), day),
        **users,
    )


def _users(features: DataFrame | None, day: date) -> dict[str, Any]:
    names = ("users", "active_users", "new_users", "buyers")
    if features is None:
        return dict.fromkeys(names, 0) | {"newest_event_date": None}
    found = _of_day(features, day).agg(
        F.count("*").alias("users"),
        F.count_if(F.col("events_7d") > 0).alias("active_users"),
        F.count_if(F.col("tenure_days") < 7).alias("new_users"),
        F.count_if(F.col("order_count") > 0).alias("buyers"),
        F.max("last_event_date").alias("newest_event_date"),
    )
    [row] = found.collect()
    return row.asDict()


def _days(sources: Sources, day: date) -> tuple[dict[date, DayFigures], str | None]:
    first = day - timedelta(days=DAYS - 1)
    visits, sold = sources.of("daily_funnels"), sources.of("daily_item_stats")
    found: dict[date, dict[str, int | None]] = {}
    currency = None
    if visits is not None:
        rows = _between(visits, first, day).groupBy("event_date").agg(F.sum("visit_count").alias("visits"))
        for row in rows.collect():
            found.setdefault(row["event_date"], {})["visits"] = row["visits"]
    if sold is not None:
        rows = (
            _between(sold, first, day)
            .groupBy("event_date")
            .agg(F.sum("revenue_minor").alias("revenue_minor"), F.max("currency").alias("currency"))
        )
        for row in rows.collect():
            found.setdefault(row["event_date"], {})["revenue_minor"] = row["revenue_minor"]
            currency = row["currency"] or currency
    orders = sources.of("order_lines")
    if orders is not None:
        of_days = orders.where((F.col("kind") == "sale") & F.col("ordered_date").between(F.lit(first), F.lit(day)))
        for row in of_days.groupBy("ordered_date").agg(F.count_distinct("order_id").alias("orders")).collect():
            found.setdefault(row["ordered_date"], {})["orders"] = row["orders"]
    return {at: DayFigures(**one) for at, one in sorted(found.items())}, currency  # type: ignore[arg-type]


def _funnel(funnels: DataFrame | None, day: date) -> tuple[dict[str, int], str | None]:
    """Visits of the last 7 days by how far they went, of the basis that has most."""
    if funnels is None:
        return {}, None
    week = _between(funnels, day - timedelta(days=6), day)
    sums = [F.sum(f"{step}_count").alias(step) for step in STEPS]
    rows = sorted(week.groupBy("basis").agg(*sums).collect(), key=lambda row: (-row["visit"], row["basis"]))
    return ({step: int(rows[0][step]) for step in STEPS}, rows[0]["basis"]) if rows else ({}, None)


def _segments(profiles: DataFrame | None, day: date) -> tuple[Segment, ...]:
    if profiles is None:
        return ()
    rows = sorted(_of_day(profiles, day).collect(), key=lambda row: (row["scheme"], -row["user_count"], row["segment"]))
    return tuple(
        Segment(
            row["scheme"],
            row["segment"],
            row["user_count"],
            row["user_share"],
            row["spend_share"],
            row["buyer_share"],
            row["mean_order_count"],
            row["mean_recency_days"],
            row["mean_spend_minor"],
            row["top_category_id"],
            row["distinguishing"],
            row["meaning"],
            row["action"],
            row["rule"],
            row["rule_precision"],
            row["rule_coverage"],
        )
        for row in rows
    )


def _moves(changes: DataFrame | None, features: DataFrame | None, day: date) -> tuple[tuple[Move, ...], date | None]:
    if changes is None:
        return (), None
    of_day = _of_day(changes, day)
    if features is None:
        of_day = of_day.withColumn("spend_minor", F.lit(None).cast("bigint"))
    else:
        of_day = of_day.join(_of_day(features, day).select("user_id", "spend_minor"), "user_id", "left")
    sums = (F.count("*").alias("users"), F.sum("spend_minor").alias("spend_minor"))
    counted = of_day.groupBy("scheme", "from_segment", "to_segment", "compared_date").agg(*sums)
    rows = counted.orderBy(F.desc("users"), "scheme", "from_segment", "to_segment").limit(MOST_MOVES).collect()
    moves = tuple(Move(row["scheme"], row["from_segment"], row["to_segment"], row["users"], row["spend_minor"]) for row in rows)
    return moves, rows[0]["compared_date"] if rows else None


def _tags(sizes: DataFrame | None, day: date) -> tuple[Tagged, ...]:
    if sizes is None:
        return ()
    rows = sorted(_of_day(sizes, day).collect(), key=lambda row: (-row["user_count"], row["tag"]))
    return tuple(Tagged(row["tag"], row["owner"], row["meaning"], row["user_count"], row["user_share"]) for row in rows)


UNPERSONAL = ("popularity", "segment_popularity", "category_popularity", "unpersonal_popularity", "exploration")
"""Models whose places would be the same for many: what is popular, and what is drawn by lot."""


def _served(slates: DataFrame | None, items: DataFrame | None, day: date) -> Served | None:
    if slates is None:
        return None
    is_personal, is_first = ~F.col("model").isin(*UNPERSONAL), F.col("rank") == 1
    counts = (F.count("*").alias("places"), F.count_if(is_personal).alias("personal"), F.count_if(is_first).alias("users"))
    by_item = _of_day(slates, day).groupBy("item_id").agg(*counts)
    sums = [F.sum(name).alias(name) for name in ("places", "personal", "users")]
    [row] = by_item.agg(*sums, F.count("*").alias("items")).collect()
    if not row["places"]:
        return None
    on_sale = None
    if items is not None:
        holds = (F.col("valid_from") <= F.lit(day)) & (F.col("valid_to").isNull() | (F.col("valid_to") > F.lit(day)))
        on_sale = items.where(holds & F.col("is_on_sale")).count()
    return Served(row["users"], row["places"], row["personal"], row["items"], on_sale)


def _of_day(rows: DataFrame, day: date) -> DataFrame:
    return rows.where(F.col("as_of_date") == F.lit(day))


def _between(rows: DataFrame, first: date, last: date) -> DataFrame:
    return rows.where(F.col("event_date").between(F.lit(first), F.lit(last)))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text and text != "None" else None


def schemes(segments: Sequence[Segment]) -> list[str]:
    """The schemes of a report in the order in which it shows them."""
    there = {one.scheme for one in segments}
    return [*(name for name in SCHEMES if name in there), *sorted(there - set(SCHEMES))]
