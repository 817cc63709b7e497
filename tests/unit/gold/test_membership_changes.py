"""Claims about who has come into another segment."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from jobs.content_hash import content_hash
from jobs.contract import conform
from jobs.gold import user_segments
from jobs.gold.membership_changes import FIGURES, MEMBERSHIP_CHANGES, build
from jobs.segmentation.alignment import aligned
from jobs.segmentation.fitting import Search
from jobs.segmentation.served_segments import UNASSIGNED
from jobs.segmentation.training import fit
from tests.unit.segmentation.shoppers import KINDS, another_week, planted

BEFORE, TODAY = date(2026, 6, 28), date(2026, 6, 30)
FEATURES = f"as_of_date date, user_id string, {', '.join(f'{name} bigint' for name in FIGURES)}"
SEGMENTS = (
    "as_of_date date, user_id string, rfm_segment string, behaviour_segment string, taste_segment string, density_segment string, "
    "lifecycle_segment string, affinity_segment string, model_version string"
)

Days = Mapping[date, Mapping[str, tuple[Mapping[str, int], str, str]]]
"""Day -> user -> figures that are not 1, RFM segment, behaviour segment."""

DAYS: Days = {
    date(2026, 6, 27): {"ann": ({}, "Hibernating", "Lapsed")},
    BEFORE: {
        "ann": ({"order_count": 1}, "New customers", "Active"),
        "bob": ({"recency_days": 5}, "Champions", "Active"),
        "cat": ({}, "Champions", "Active"),
        "eve": ({}, "At risk", "Active"),
    },
    TODAY: {
        "ann": ({"order_count": 3, "spend_minor": 2}, "Loyal customers", "Active"),
        "bob": ({"recency_days": 40}, "At risk", "Lapsed"),
        "cat": ({"spend_minor": 2}, "Champions", "Active"),
        "dan": ({}, "New customers", "Active"),
        "eve": ({}, "Need attention", "Active"),
    },
    date(2026, 7, 1): {"cat": ({}, "At risk", "Lapsed")},
}


def frames(spark: SparkSession, days: Days, models: Mapping[date, str | None], partitions: int = 1) -> tuple[DataFrame, DataFrame]:
    users = [(day, user, *about) for day, there in days.items() for user, about in there.items()]
    figures = [(day, user, *(own.get(name, 1) for name in FIGURES)) for day, user, own, _, _ in users]
    # Days before TODAY are of before there were the last three schemes.
    added = {TODAY: (UNASSIGNED, "Active", "Likely for tea")}
    segments = [
        (day, user, rfm, group, "Likes tea", *added.get(day, (None,) * 3), models.get(day, "4")) for day, user, _, rfm, group in users
    ]
    first, second = spark.createDataFrame(figures, FEATURES), spark.createDataFrame(segments, SEGMENTS)
    return first.repartition(partitions), second.repartition(partitions)


def changes(spark: SparkSession, days: Days = DAYS, models: Mapping[date, str | None] | None = None, as_of: date = TODAY) -> dict[Any, Row]:
    built = conform(build(*frames(spark, days, models or {}), as_of=as_of), MEMBERSHIP_CHANGES)
    return {(row["user_id"], row["scheme"]): row for row in built.collect()}


def test_who_moved_is_told_with_both_segments_and_who_stayed_is_not(spark: SparkSession) -> None:
    found = changes(spark)
    assert {key: (row["from_segment"], row["to_segment"]) for key, row in found.items()} == {
        ("ann", "rfm"): ("New customers", "Loyal customers"),
        ("bob", "rfm"): ("Champions", "At risk"),
        ("bob", "behaviour"): ("Active", "Lapsed"),
        ("eve", "rfm"): ("At risk", "Need attention"),
        ("dan", "rfm"): (None, "New customers"),
        ("dan", "behaviour"): (None, "Active"),
        ("dan", "taste"): (None, "Likes tea"),
        ("dan", "density"): (None, UNASSIGNED),
        ("dan", "lifecycle"): (None, "Active"),
        ("dan", "affinity"): (None, "Likely for tea"),
    }
    assert {row["compared_date"] for row in found.values()} == {BEFORE}


def test_the_feature_that_moved_most_is_named_with_its_values(spark: SparkSession) -> None:
    found = changes(spark)
    bob, ann = found["bob", "rfm"], found["ann", "rfm"]
    assert (bob["moved_feature"], bob["moved_from"], bob["moved_to"]) == ("recency_days", 5.0, 40.0)
    assert bob["moved_deviations"] == pytest.approx(35 / 15.6, abs=1e-6)  # one of 40 and four of 1: a deviation of 39 * sqrt(4) / 5
    assert (ann["moved_feature"], ann["moved_from"], ann["moved_to"]) == ("order_count", 1.0, 3.0)


@pytest.mark.parametrize("key", [("dan", "rfm"), ("eve", "rfm")])
def test_who_is_new_and_whose_figures_are_the_same_has_no_feature_that_moved(spark: SparkSession, key: tuple[str, str]) -> None:
    row = changes(spark)[key]
    assert [row[name] for name in ("moved_feature", "moved_from", "moved_to", "moved_deviations")] == [None] * 4


def test_a_change_of_the_model_is_told_of_clusters_and_not_of_rules(spark: SparkSession) -> None:
    found = changes(spark, models={BEFORE: None})
    assert {key for key, row in found.items() if row["is_new_model"]} == {("bob", "behaviour")}
    assert not any(row["is_new_model"] for row in changes(spark).values())


def test_the_first_day_has_nothing_to_be_compared_with(spark: SparkSession) -> None:
    assert changes(spark, as_of=min(DAYS)) == {}


def test_the_same_changes_on_any_number_of_partitions(spark: SparkSession) -> None:
    built = [build(*frames(spark, DAYS, {}, partitions), as_of=TODAY) for partitions in (1, 7)]
    assert len({content_hash(conform(one, MEMBERSHIP_CHANGES), MEMBERSHIP_CHANGES) for one in built}) == 1


def test_planted_movers_and_hardly_anybody_else_are_told_over_a_retrain(spark: SparkSession) -> None:
    search = Search(ks=(3, 4, 5), restarts=3, silhouette_users=600, resamples=2)
    users, kinds, tastes = planted(600)
    movers = {f"u{number:05d}" for number in range(0, 600, 10)}
    order = list(KINDS)
    turned = [order[(order.index(kind) + 1) % len(order)] if number % 10 == 0 else kind for number, kind in enumerate(kinds)]
    now = another_week(turned, tastes, seed=7)
    serving = replace(fit(users, as_of=BEFORE, seed=1, search=search).model, version="1")
    retrained = replace(aligned(fit(now, as_of=TODAY, seed=2, search=search).model, serving, now)[0], version="2")
    features = {day: as_features(spark, table, day) for day, table in ((BEFORE, users), (TODAY, now))}
    segments = [user_segments.build(features[day], as_of=day, model=model) for day, model in ((BEFORE, serving), (TODAY, retrained))]
    both = features[BEFORE].unionByName(features[TODAY])
    told = build(both, segments[0].unionByName(segments[1]), as_of=TODAY).where("scheme = 'behaviour'").collect()
    moved = {row["user_id"] for row in told}
    assert len(moved & movers) / len(moved) >= 0.9
    assert len(moved & movers) / len(movers) >= 0.9
    assert all(row["is_new_model"] and row["moved_feature"] for row in told)


NO_AFFINITIES = "cast(array() AS array<struct<category_id:string,lift:double>>)"


def as_features(spark: SparkSession, users: pa.Table, day: date) -> DataFrame:
    columns = {
        "as_of_date": pa.array([day] * users.num_rows),
        "event_count": users["active_days"],
        "purchase_recency_days": pc.if_else(pc.greater(users["order_count"], 0), users["recency_days"], None),
    }
    known = spark.createDataFrame(pa.table({name: users[name] for name in users.column_names} | columns))
    return known.withColumns({"active_days_30d": F.lit(1), "active_days_90d": F.lit(2), "category_affinities": F.expr(NO_AFFINITIES)})
