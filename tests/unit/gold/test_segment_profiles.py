"""Claims about the profiles of segments."""

from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from jobs.content_hash import content_hash
from jobs.contract import conform
from jobs.gold.segment_profiles import SCHEMES, SEGMENT_PROFILES, build
from jobs.segmentation.affinity import NONE, OWN
from jobs.segmentation.served_segments import UNASSIGNED, Behaviour, Label, SegmentModel

AS_OF = date(2026, 6, 30)
FEATURES = (
    "as_of_date date, user_id string, top_category_id string, recency_days int, tenure_days int, event_count bigint, active_days bigint, "
    "order_count bigint, units_bought bigint, add_to_cart_count bigint, spend_minor bigint"
)
SEGMENTS = (
    "as_of_date date, user_id string, rfm_segment string, behaviour_segment string, taste_segment string, density_segment string, "
    "lifecycle_segment string, affinity_segment string"
)
MODEL = SegmentModel(
    "2026-06-30",
    1,
    Behaviour(
        ("tenure_days",),
        "spend",
        1,
        (0.0,),
        (1.0,),
        centroids=((0.0,), (1.0,)),
        labels=(Label("Fans", "They buy.", "Thank them."), Label("Rest", "They look.", "Wait.")),
    ),
    None,
    "4",
)


def a_user(user_id: str, orders: int, spend: int | None, category: str | None, day: date = AS_OF) -> tuple[Any, ...]:
    return (day, user_id, category, 2, 30, 10, 4, orders, orders, 1, spend)


USERS = [
    a_user("u1", 8, 6000, "tea"),
    a_user("u2", 6, 2000, "mugs"),
    a_user("u3", 0, 0, None),
    a_user("u4", 0, 0, "tea"),
    a_user("u1", 1, 1, "old", date(2026, 6, 29)),
]


def frames(spark: SparkSession, users: list[tuple[Any, ...]] = USERS, partitions: int = 1) -> tuple[DataFrame, DataFrame]:
    names = {"u1": ("Champions", "Fans"), "u2": ("Champions", "Fans"), "u3": ("Window shoppers", "Rest"), "u4": ("Window shoppers", "Rest")}
    segments = [(AS_OF, user, *pair, UNASSIGNED, None, "Active", "Likely for tea") for user, pair in names.items()]
    return spark.createDataFrame(users, FEATURES).repartition(partitions), spark.createDataFrame(segments, SEGMENTS).repartition(partitions)


def profiles(spark: SparkSession, users: list[tuple[Any, ...]] = USERS, model: SegmentModel | None = MODEL) -> dict[tuple[str, str], Row]:
    rows = conform(build(*frames(spark, users), as_of=AS_OF, model=model), SEGMENT_PROFILES).collect()
    return {(row["scheme"], row["segment"]): row for row in rows}


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> dict[tuple[str, str], Row]:
    """The profiles of ``USERS``, made once."""
    return profiles(spark)


def test_each_scheme_covers_every_user_once(found: dict[tuple[str, str], Row]) -> None:
    assert set(found) == {
        ("rfm", "Champions"),
        ("rfm", "Window shoppers"),
        ("behaviour", "Fans"),
        ("behaviour", "Rest"),
        ("taste", UNASSIGNED),
        ("density", UNASSIGNED),
        ("lifecycle", "Active"),
        ("affinity", "Likely for tea"),
    }
    for scheme in SCHEMES:
        assert sum(row["user_count"] for (kind, _), row in found.items() if kind == scheme) == 4


def test_a_profile_says_how_many_how_much_and_what_sets_it_apart(found: dict[tuple[str, str], Row]) -> None:
    row = found["rfm", "Champions"]
    assert (row["user_share"], row["buyer_share"], row["spend_minor"], row["spend_share"]) == (0.5, 1.0, 8000, 1.0)
    assert (row["mean_order_count"], row["mean_spend_minor"], row["mean_recency_days"]) == (7.0, 4000.0, 2.0)
    assert row["distinguishing"] == "more orders (+1.0 sd), more pieces bought (+1.0 sd), higher spend (+0.8 sd)"
    assert row["meaning"].startswith("Bought lately")


def test_the_lowest_category_wins_a_tie(found: dict[tuple[str, str], Row]) -> None:
    assert found["rfm", "Champions"]["top_category_id"] == "mugs"
    assert found["rfm", "Window shoppers"]["top_category_id"] == "tea"


def test_clusters_speak_with_the_words_of_their_model(found: dict[tuple[str, str], Row]) -> None:
    assert (found["behaviour", "Fans"]["meaning"], found["behaviour", "Fans"]["action"]) == ("They buy.", "Thank them.")
    assert found["taste", UNASSIGNED]["meaning"] == "No model of this scheme serves yet."
    assert found["taste", UNASSIGNED]["distinguishing"] == "close to the average user"
    assert found["lifecycle", "Active"]["meaning"] == "Seen in the last 30 days."
    assert (found["affinity", "Likely for tea"]["meaning"], found["affinity", "Likely for tea"]["action"]) == (OWN.meaning, OWN.action)


def test_a_segment_that_a_short_rule_tells_apart_has_it_in_words(spark: SparkSession) -> None:
    users = [a_user(f"u{n:03}", n % 6, 100 * (n % 6), "tea") for n in range(240)]
    drawn = [
        (AS_OF, user[1], "Champions" if user[7] >= 4 else "Window shoppers", "Fans", UNASSIGNED, UNASSIGNED, "Active", NONE.name)
        for user in users
    ]
    frames = [spark.createDataFrame(users, FEATURES), spark.createDataFrame(drawn, SEGMENTS)]
    rows = {row["segment"]: row for row in conform(build(*frames, as_of=AS_OF, model=MODEL), SEGMENT_PROFILES).collect()}
    told = rows["Champions"]
    assert (told["rule"], told["rule_precision"], told["rule_coverage"]) == ("orders: 4 or more", 1.0, 1.0)
    assert (rows["Fans"]["rule"], rows["Fans"]["rule_coverage"]) == (None, None)


def test_without_prices_spend_is_unknown(spark: SparkSession) -> None:
    row = profiles(spark, [(*user[:-1], None) for user in USERS])["rfm", "Champions"]
    assert (row["spend_minor"], row["spend_share"], row["mean_spend_minor"]) == (None, None, None)


@pytest.mark.parametrize("partitions", [3])
def test_partitioning_changes_nothing(spark: SparkSession, partitions: int) -> None:
    hashes = {content_hash(build(*frames(spark, USERS, parts), as_of=AS_OF, model=MODEL), SEGMENT_PROFILES) for parts in (1, partitions)}
    assert len(hashes) == 1
