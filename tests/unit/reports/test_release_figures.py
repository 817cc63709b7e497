"""The figures of a report are what the tables of the release say of its day."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.contract import Table
from jobs.gold.daily_funnels import DAILY_FUNNELS
from jobs.gold.daily_item_stats import DAILY_ITEM_STATS
from jobs.gold.membership_changes import MEMBERSHIP_CHANGES
from jobs.gold.recommendations import RECOMMENDATIONS
from jobs.gold.segment_profiles import SEGMENT_PROFILES
from jobs.gold.tag_sizes import TAG_SIZES
from jobs.gold.user_features import USER_FEATURES
from jobs.reports.release_figures import DAYS, DayFigures, Figures, Move, Served, Sources, figures_of
from jobs.silver.items import ITEMS
from tests.rows import frame, order_lines

DAY = date(2026, 6, 30)
NUMBERS = {"int": 0, "bigint": 0, "double": 0.0, "string": "", "date": DAY, "boolean": False}


def table(spark: SparkSession, contract: Table, *rows: Mapping[str, Any]) -> DataFrame:
    """Rows that differ from one of zeros and empty texts, of the day, in what is given."""
    usual = {column.name: NUMBERS.get(column.type, []) if not column.nullable else None for column in contract.columns}
    return frame(spark, contract, [{**usual, **row} for row in rows])


def on(days_ago: int) -> date:
    return DAY - timedelta(days=days_ago)


def users(spark: SparkSession) -> DataFrame:
    active = {"user_id": "a", "events_7d": 2, "tenure_days": 90, "order_count": 3, "last_event_date": on(1), "spend_minor": 900}
    new = {"user_id": "b", "events_7d": 1, "tenure_days": 6, "last_event_date": on(2), "spend_minor": 50}
    gone = {"user_id": "c", "tenure_days": 300, "order_count": 1, "last_event_date": on(200)}
    other = {"user_id": "d", "as_of_date": on(1), "events_7d": 9, "last_event_date": DAY}
    return table(spark, USER_FEATURES, active, new, gone, other)


def sources(spark: SparkSession) -> Mapping[str, DataFrame]:
    def visits(days_ago: int, basis: str, count: int, **steps: int) -> dict[str, Any]:
        return {"event_date": on(days_ago), "basis": basis, "channel": f"{count}", "visit_count": count} | steps

    def slates(user: str, *models: str) -> Sequence[dict[str, Any]]:
        return [{"user_id": user, "rank": n, "item_id": f"i{n}", "model": model} for n, model in enumerate(models, start=1)]

    funnels = (
        visits(0, "session", 8, viewed_count=6, carted_count=2, purchased_count=1),
        visits(6, "session", 4, viewed_count=4),
        visits(7, "session", 50),
        visits(0, "user_day", 2),
        visits(DAYS - 1, "session", 5),
        visits(DAYS, "session", 7),
    )
    sold = ({"event_date": DAY, "item_id": item, "revenue_minor": money, "currency": "EUR"} for item, money in (("i1", 300), ("i2", 50)))
    orders = (
        {"order_id": order, "kind": kind, "ordered_at": datetime(2026, 6, 30, 12, tzinfo=UTC), "landed_date": DAY}
        for order, kind in (("o1", "sale"), ("o1", "sale"), ("o2", "sale"), ("o3", "refund"))
    )
    changed = [
        ("a", "rfm", "At risk", "Champions"),
        ("b", "rfm", "At risk", "Champions"),
        ("c", "rfm", None, "At risk"),
        ("a", "taste", "x", "y"),
    ]
    moves = ({"user_id": u, "scheme": s, "from_segment": before, "to_segment": to, "compared_date": on(3)} for u, s, before, to in changed)
    versions = [
        ("i1", on(9), None, True),
        ("i2", on(9), DAY, True),
        ("i3", on(9), on(-1), True),
        ("i4", on(0), None, False),
        ("i5", on(-1), None, True),
    ]
    return {
        "user_features": users(spark),
        "daily_funnels": table(spark, DAILY_FUNNELS, *funnels),
        "daily_item_stats": table(spark, DAILY_ITEM_STATS, *sold),
        "order_lines": order_lines(spark, *orders),
        "membership_changes": table(spark, MEMBERSHIP_CHANGES, *moves),
        "segment_profiles": table(
            spark,
            SEGMENT_PROFILES,
            {"scheme": "taste", "segment": "y", "user_count": 3, "user_share": 1.0},
            {
                "scheme": "rfm",
                "segment": "Champions",
                "user_count": 2,
                "user_share": 2 / 3,
                "rule": "orders: 4 or more",
                "rule_coverage": 0.5,
            },
            {"scheme": "rfm", "segment": "At risk", "user_count": 1, "user_share": 1 / 3},
        ),
        "tag_sizes": table(
            spark, TAG_SIZES, {"tag": "none_has", "meaning": "Nobody."}, {"tag": "some_have", "user_count": 2, "meaning": "Some."}
        ),
        "recommendations": table(
            spark, RECOMMENDATIONS, *slates("a", "als", "als", "popularity"), *slates("b", "segment_popularity", "als")
        ),
        "items": table(
            spark, ITEMS, *({"item_id": i, "valid_from": begin, "valid_to": end, "is_on_sale": sale} for i, begin, end, sale in versions)
        ),
    }


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> Figures:
    return figures_of(Sources(sources(spark)), DAY)


def test_users_are_counted_as_of_the_day(found: Figures) -> None:
    assert (found.users, found.active_users, found.new_users, found.buyers) == (3, 2, 1, 2)
    assert found.newest_event_date == on(1)


def test_days_have_visits_orders_and_sales(found: Figures) -> None:
    assert found.today == DayFigures(visits=10, orders=2, revenue_minor=350)
    assert found.currency == "EUR"
    assert {day: one.visits for day, one in found.days.items()} == {DAY: 10, on(6): 4, on(7): 50, on(DAYS - 1): 5}


def test_the_funnel_is_that_of_the_last_seven_days_and_the_basis_with_most_visits(found: Figures) -> None:
    assert found.funnel == {"visit": 12, "viewed": 10, "carted": 2, "checkout": 0, "purchased": 1}
    assert found.funnel_basis == "session"


def test_a_segment_keeps_the_rule_of_its_profile(found: Figures) -> None:
    told = {one.name: (one.rule, one.rule_precision, one.rule_coverage) for one in found.segments}
    assert told["Champions"] == ("orders: 4 or more", None, 0.5)
    assert told["At risk"] == (None, None, None)


def test_segments_moves_and_tags_come_largest_first(found: Figures) -> None:
    assert [(one.scheme, one.name, one.users) for one in found.segments] == [
        ("rfm", "Champions", 2),
        ("rfm", "At risk", 1),
        ("taste", "y", 3),
    ]
    assert found.moves == (Move("rfm", "At risk", "Champions", 2, 950), Move("rfm", None, "At risk", 1), Move("taste", "x", "y", 1, 900))
    assert found.compared_date == on(3)
    assert [(tag.name, tag.users) for tag in found.tags] == [("some_have", 2), ("none_has", 0)]


def test_recommendations_are_told_by_users_places_and_items(found: Figures) -> None:
    assert found.served == Served(users=2, places=5, personal_places=3, items=3, items_on_sale=2)


def test_a_release_without_a_table_has_a_report_without_its_part(spark: SparkSession) -> None:
    nothing = figures_of(Sources({}), DAY)
    assert nothing == Figures(DAY, None, 0, 0, 0, 0, {}, {}, None, (), (), None, (), None, None)
    empty = {noun: rows.limit(0) for noun, rows in sources(spark).items()}
    assert figures_of(Sources(empty), DAY) == nothing
