"""Claims about the segments of users, from planted shoppers."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from jobs.content_hash import content_hash
from jobs.contract import conform
from jobs.gold.user_segments import USER_SEGMENTS, build
from jobs.segmentation import sample
from jobs.segmentation.affinity import LEAST_LIFT, MOST_CATEGORIES, NONE, OTHER
from jobs.segmentation.fitting import Search
from jobs.segmentation.served_segments import NOISE, UNASSIGNED, UNKNOWN_TASTE, SegmentModel
from jobs.segmentation.training import fit
from tests.rows import a_user, user_features
from tests.unit.segmentation.shoppers import planted

AS_OF = date(2026, 6, 30)
SEARCH = Search(ks=(3, 4, 5), restarts=3, silhouette_users=400)


def a_buyer(user_id: str, recency: int, orders: int, spend: int | None, units: int = 1) -> dict[str, Any]:
    return a_user(user_id, AS_OF, purchase_recency_days=recency, order_count=orders, spend_minor=spend, units_bought=units)


def shoppers(spark: SparkSession, users: int = 400) -> DataFrame:
    rows = [
        user | {"as_of_date": AS_OF, "purchase_recency_days": user["recency_days"] if user["order_count"] else None}
        for user in planted(users)[0].to_pylist()
    ]
    return user_features(spark, rows)


def segments(spark: SparkSession, users: list[dict[str, Any]]) -> dict[str, Row]:
    return {row["user_id"]: row for row in conform(build(user_features(spark, users), as_of=AS_OF, model=None), USER_SEGMENTS).collect()}


@pytest.fixture(scope="module")
def model(spark: SparkSession) -> SegmentModel:
    drawn = sample.draw(shoppers(spark), as_of=AS_OF, seed=7)
    return replace(fit(drawn, as_of=AS_OF, seed=7, search=SEARCH).model, version="4")


@pytest.mark.parametrize("order", [1, -1])
def test_quintiles_rank_buyers_and_ties_share_them_in_either_order(spark: SparkSession, order: int) -> None:
    buyers = [a_buyer(f"b{n}", recency=n, orders=1 if n > 3 else 2, spend=100 * n) for n in range(10)]
    found = segments(spark, [*buyers, a_user("v", AS_OF)][::order])
    assert [found[f"b{n}"]["recency_quintile"] for n in range(10)] == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert [found[f"b{n}"]["frequency_quintile"] for n in range(10)] == [5, 5, 5, 5, 3, 3, 3, 3, 3, 3]
    assert [found[f"b{n}"]["monetary_quintile"] for n in range(10)] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert [found["v"][f"{name}_quintile"] for name in ("recency", "frequency", "monetary")] == [None, None, None]
    assert (found["v"]["rfm_segment"], found["v"]["monetary_basis"]) == ("Window shoppers", "spend")


def test_a_shop_without_prices_ranks_pieces_and_says_so(spark: SparkSession) -> None:
    found = segments(spark, [a_buyer(f"b{n}", recency=1, orders=2, spend=None, units=n) for n in range(1, 6)])
    assert [found[f"b{n}"]["monetary_quintile"] for n in range(1, 6)] == [1, 2, 3, 4, 5]
    assert {row["monetary_basis"] for row in found.values()} == {"units"}


def test_an_unknown_spend_among_known_ones_has_no_quintile_but_a_segment(spark: SparkSession) -> None:
    found = segments(spark, [a_buyer("known", 1, 3, 500), a_buyer("unknown", 1, 3, None)])
    assert found["unknown"]["monetary_quintile"] is None
    assert found["unknown"]["rfm_segment"] == "Champions"


def test_without_a_model_the_clusters_are_unassigned(spark: SparkSession) -> None:
    row = segments(spark, [a_user("v", AS_OF)])["v"]
    assert (row["behaviour_segment"], row["taste_segment"]) == (UNASSIGNED, UNASSIGNED)
    assert (row["behaviour_cluster_id"], row["taste_cluster_id"], row["model_version"]) == (None, None, None)
    assert (row["density_segment"], row["density_cluster_id"]) == (UNASSIGNED, None)


def test_lifecycle_is_told_by_first_and_last_visit(spark: SparkSession) -> None:
    def standing(user_id: str, tenure: int, recency: int, lately: int, quarter: int) -> dict[str, Any]:
        days = {"tenure_days": tenure, "recency_days": recency, "active_days_30d": lately, "active_days_90d": quarter}
        return a_user(user_id, AS_OF, **days)

    users = [
        standing("new", 29, 0, 1, 1),
        standing("no longer new", 30, 29, 1, 2),
        standing("back", 90, 3, 2, 2),
        standing("known for too short a time", 89, 3, 2, 2),
        standing("steady", 300, 3, 2, 3),
        standing("quiet", 300, 30, 0, 4),
        standing("quieter", 300, 89, 0, 1),
        standing("gone", 300, 90, 0, 0),
        a_user("of a row from before", AS_OF, tenure_days=300, recency_days=3),
    ]
    assert {name: row["lifecycle_segment"] for name, row in segments(spark, users).items()} == {
        "new": "New",
        "no longer new": "Active",
        "back": "Won back",
        "known for too short a time": "Active",
        "steady": "Active",
        "quiet": "At risk",
        "quieter": "At risk",
        "gone": "Lapsed",
        "of a row from before": "Active",
    }


def test_affinity_is_the_category_with_the_highest_lift_among_those_that_most_share(spark: SparkSession) -> None:
    def likes(user_id: str, *lifts: tuple[str, float]) -> dict[str, Any]:
        return a_user(user_id, AS_OF, category_affinities=list(lifts))

    few = [likes(f"s{n}", (f"small {n:02}", 9.0)) for n in range(MOST_CATEGORIES)]
    users = [likes("t1", ("tea", 3.0), ("mugs", 2.9)), likes("t2", ("tea", LEAST_LIFT)), likes("x", ("tea", 1.49)), likes("y"), *few]
    found = {name: row["affinity_segment"] for name, row in segments(spark, [*users, a_user("z", AS_OF)]).items()}
    assert {found["t1"], found["t2"]} == {"Likely for tea"}
    assert {found["x"], found["y"], found["z"]} == {NONE.name}
    assert found["s0"] == "Likely for small 00"
    assert found[f"s{MOST_CATEGORIES - 1}"] == OTHER.name


def test_a_day_without_users_has_no_rows(spark: SparkSession) -> None:
    assert build(user_features(spark, [a_user("v", AS_OF)]), as_of=date(2026, 7, 1), model=None).count() == 0


def test_every_user_is_in_one_named_cluster_of_each_scheme(spark: SparkSession, model: SegmentModel) -> None:
    users = shoppers(spark).unionByName(user_features(spark, [a_user("quiet", AS_OF)]))
    rows = conform(build(users, as_of=AS_OF, model=model), USER_SEGMENTS).collect()
    assert len({row["user_id"] for row in rows}) == len(rows) == 401
    assert {row["behaviour_segment"] for row in rows} == {label.name for label in model.behaviour.labels}
    assert model.taste is not None
    assert {row["taste_segment"] for row in rows} == {UNKNOWN_TASTE, *[label.name for label in model.taste.labels]}
    assert all(row["behaviour_segment"] == model.behaviour.labels[row["behaviour_cluster_id"]].name for row in rows)
    assert {row["model_version"] for row in rows} == {"4"}
    assert model.density is not None
    groups = {number: label.name for number, label in zip(model.density.cluster_ids, model.density.labels, strict=True)}
    assert {row["density_segment"] for row in rows} == {NOISE, *groups.values()}
    assert all(row["density_segment"] == groups.get(row["density_cluster_id"], NOISE) for row in rows)


def test_partitioning_and_order_change_neither_the_sample_nor_the_segments(spark: SparkSession, model: SegmentModel) -> None:
    users = shoppers(spark)
    parts = [users.coalesce(1), users.orderBy(F.desc("user_id")).repartition(5)]
    samples = [sample.draw(part, as_of=AS_OF, seed=7, users=150) for part in parts]
    assert samples[0].equals(samples[1])
    assert len({content_hash(build(part, as_of=AS_OF, model=model), USER_SEGMENTS) for part in parts}) == 1
