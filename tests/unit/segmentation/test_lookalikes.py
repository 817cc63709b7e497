"""Claims about users who are like a seed list, from planted shoppers."""

from datetime import date
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs.errors import BadDataError
from jobs.segmentation.fitting import Search
from jobs.segmentation.lookalike_search import search
from jobs.segmentation.lookalikes import LEAST_SEED, Lookalikes, fit
from jobs.segmentation.served_segments import Behaviour
from jobs.segmentation.training import fit as fit_segments
from tests.unit.segmentation.shoppers import CATEGORIES, TASTES, planted

USERS, KINDS, LIKED = planted(800)
IDS = USERS.column("user_id").to_pylist()
WANTED = [user for user, kind, taste in zip(IDS, KINDS, LIKED, strict=True) if kind == "regulars" and taste == 0]
"""Regulars who like books and tea: behaviour and taste are both needed to tell them."""
SEED = WANTED[::2]


@cache
def behaviour() -> Behaviour:
    search = Search(ks=(4,), restarts=1, silhouette_users=200, resamples=1)
    return fit_segments(USERS, as_of=date(2026, 6, 30), seed=1, search=search).model.behaviour


@cache
def found() -> Lookalikes:
    return fit(USERS, SEED, behaviour(), CATEGORIES, seed=1)


def test_the_unlisted_half_of_a_kind_comes_first() -> None:
    unlisted = set(WANTED) - set(SEED)
    order = np.argsort(-found().score(USERS), kind="stable")
    first = [IDS[place] for place in order if IDS[place] not in SEED][: len(unlisted)]
    assert len(set(first) & unlisted) / len(unlisted) > 0.9


def test_users_left_out_of_a_fit_tell_how_well_the_seed_is_told_apart() -> None:
    assert len(found().auc_by_fold) == 5
    assert found().auc > 0.9
    anybody = fit(USERS, np.random.default_rng(2).choice(IDS, 100, replace=False).tolist(), behaviour(), CATEGORIES, seed=1)
    assert anybody.auc == pytest.approx(0.5, abs=0.1)


def test_the_same_users_and_seed_give_the_same_figures_in_any_order_of_the_list() -> None:
    assert fit(USERS, SEED[::-1], behaviour(), CATEGORIES, seed=1) == found()


def test_a_user_alone_has_the_score_of_the_user_in_company() -> None:
    together = found().score(USERS)
    assert [float(found().score(USERS.slice(row, 1))[0]) for row in range(20)] == together[:20].tolist()


def test_a_list_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match=f"{LEAST_SEED - 1} users of the seed"):
        fit(USERS, IDS[: LEAST_SEED - 1], behaviour(), CATEGORIES, seed=1)


def test_both_behaviour_and_taste_speak() -> None:
    features, categories = len(behaviour().features), found().categories
    by_category = dict(zip(categories, found().weights[features:], strict=True))
    assert min(by_category[name] for name in TASTES[0]) > max(by_category[name] for name in categories if name not in TASTES[0])


def test_a_shop_is_searched_without_the_seed_and_equals_go_by_id(spark: SparkSession) -> None:
    twins = [row | {"user_id": f"twin {name}"} for name in "ba" for row in USERS.slice(IDS.index(WANTED[1]), 1).to_pylist()]
    rows = pa.concat_tables([USERS, pa.Table.from_pylist(twins, schema=USERS.schema)])
    day = pa.array([date(2026, 6, 30)] * rows.num_rows)
    features = spark.createDataFrame(rows.append_column("as_of_date", day))
    seed = spark.createDataFrame([(one,) for one in [*SEED, SEED[0], "nobody"]], "user_id string")
    whole, listed = search(features.repartition(3), seed, behaviour(), as_of=date(2026, 6, 30), most=60)
    users = [row["user_id"] for row in listed.collect()]
    assert len(users) == 60
    assert not set(users) & set(SEED)
    assert (whole.seed_users, whole.users) == (len(SEED), rows.num_rows)
    assert users[users.index("twin a") + 1] == "twin b"
    assert [row["user_id"] for row in search(features, seed, behaviour(), as_of=date(2026, 6, 30), most=60)[1].collect()] == users
    with pytest.raises(BadDataError, match="0 in it"):
        search(features, seed, behaviour(), as_of=date(2026, 6, 29), most=60)
