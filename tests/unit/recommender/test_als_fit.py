"""Claims about fits of ALS on Spark: MLlib's objective, the same bits for any partitions, lists for everybody, refusals."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, SparkSession

from jobs.errors import SignalsError
from jobs.recommender.als import blocks
from jobs.recommender.als.blocks import Extent, extent
from jobs.recommender.als.fit import Fitted, fit
from jobs.recommender.als.lists import lists, with_user_ids
from jobs.recommender.als.progress import Progress, watched
from jobs.recommender.als.store import FolderStore
from jobs.recommender.histories import SIGNALS_FRAME
from jobs.recommender.models.als import AlsTrainer
from jobs.recommender.models.popularity import PopularityTrainer
from jobs.recommender.slates import best
from tests.unit.recommender.test_als_iterations import ALPHA, GIVEN, ITEM_IDS, REGULARISATION, SETTINGS, USERS, objective, rows_of

MOMENT = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _several_blocks() -> Iterator[None]:
    """Four blocks a side, so that there is something to put together."""
    patch = pytest.MonkeyPatch()
    patch.setattr(blocks, "PAIRS_A_BLOCK", 150)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> Iterator[DataFrame]:
    given = [(f"u{u}", f"i{i:02}", float(GIVEN[u, i]), MOMENT) for u, i in np.argwhere(GIVEN > 0).tolist()]
    found = spark.createDataFrame(given, SIGNALS_FRAME).repartition(2).persist()
    yield found
    found.unpersist()


@pytest.fixture(scope="module")
def fitted(rows: DataFrame, tmp_path_factory: pytest.TempPathFactory) -> tuple[Fitted, FolderStore, Extent]:
    store, pieces = (FolderStore(tmp_path_factory.mktemp("als")) for _ in range(2))
    found = extent(rows, ALPHA, pieces)
    return fit(rows.sparkSession.sparkContext, found, pieces, SETTINGS, store, for_lists=True), store, found


def test_the_objective_is_what_mllib_lowers(rows: DataFrame, fitted: tuple[Fitted, FolderStore, Extent]) -> None:
    numbered = rows.selectExpr("int(substr(user_id, 2)) user", "int(substr(item_id, 2)) item", "float(weight) rating")
    model = ALS(
        rank=SETTINGS.rank,
        maxIter=SETTINGS.iterations,
        regParam=REGULARISATION,
        alpha=ALPHA,
        implicitPrefs=True,
        seed=17,
        numUserBlocks=1,
        numItemBlocks=1,
        userCol="user",
        itemCol="item",
        ratingCol="rating",
    ).fit(numbered)
    users, items = (np.array([row["features"] for row in side.orderBy("id").collect()]) for side in (model.userFactors, model.itemFactors))
    assert rows_of(GIVEN, items) == pytest.approx(users, abs=1e-3)
    assert fitted[0].objectives[-1] < objective(GIVEN, users, items) * 1.05  # from another beginning; large shops leave no such difference


@pytest.mark.parametrize("offered", [None, pa.array(["i39", "stranger", *(f"i{i:02}" for i in range(12))])])
def test_everybody_gets_the_best_unseen_items_by_the_rows_that_the_fit_left(
    spark: SparkSession, rows: DataFrame, fitted: tuple[Fitted, FolderStore, Extent], offered: pa.Array | None
) -> None:
    found, store, known = fitted
    listed = {row["user_id"]: row for row in with_user_ids(lists(spark, found, store, known, 5, offered=offered), rows, known).collect()}
    assert set(listed) == {f"u{user}" for user in range(USERS)}
    hashes = rows.selectExpr("user_id", f"xxhash64({known.salt}, user_id) hash").distinct().toArrow()
    order = np.concatenate([store.read(blocks.name(blocks.USERS, block, "hashes")) for block in range(known.blocks)]).tolist()
    factors = np.concatenate([store.read(blocks.name(blocks.USERS, block, found.user_factors)) for block in range(known.blocks)])
    for user, value in zip(hashes["user_id"].to_pylist(), hashes["hash"].to_numpy().view(np.uint64).tolist(), strict=True):
        row = factors[order.index(value), : SETTINGS.rank] @ found.user_turn
        scores = row @ found.factors.T.astype(np.float64)
        is_out = (GIVEN[int(user[1:])] > 0) | ~np.isin(ITEM_IDS.to_pylist(), (ITEM_IDS if offered is None else offered).to_pylist())
        wanted = best(np.where(is_out, -np.inf, scores)[None, :], 5)
        assert listed[user]["items"] == [ITEM_IDS[int(at)].as_py() for at in wanted.positions[0, : wanted.filled[0]]]
        assert listed[user]["scores"] == pytest.approx(wanted.scores[0, : wanted.filled[0]].tolist())
        after = rows_of(GIVEN, found.factors.astype(np.float64))[int(user[1:])]
        assert row == pytest.approx(after, abs=2e-2), "this user's row fits the items as they are at the end"


def test_neither_the_partitions_nor_the_order_of_the_input_change_a_bit(rows: DataFrame, tmp_path: Path) -> None:
    short = replace(SETTINGS, iterations=2)
    stores = [FolderStore(tmp_path / str(partitions)) for partitions in (1, 2, 4, 8)]
    seen = [extent(rows.orderBy("weight", "item_id").repartition(int(store.folder.name)), ALPHA, store) for store in stores]
    assert len({one.fingerprint for one in seen}) == 1
    context = rows.sparkSession.sparkContext
    found = [fit(context, one, store, short, store) for one, store in zip(seen, stores, strict=True)]
    assert len({one.factors.tobytes() for one in found}) == 1
    assert len({one.objectives for one in found}) == 1


def test_two_items_with_one_hash_are_hashed_anew(rows: DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unsigned = blocks._unsigned
    seen: list[int] = []

    def clashing(hashes: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
        seen.append(len(hashes))
        found = unsigned(hashes)
        return np.where(np.arange(len(found)) == 1, found[0], found) if len(seen) == 1 else found

    monkeypatch.setattr(blocks, "_unsigned", clashing)
    found = extent(rows, ALPHA, FolderStore(tmp_path))
    assert (found.salt, seen) == (1, [len(ITEM_IDS)] * 2)
    assert len(np.unique(found.hashes)) == len(ITEM_IDS)


@pytest.mark.parametrize(
    ("weight", "told"),
    [
        (float("nan"), "found 1 others, nan among them"),
        (-1.0, "found 1 others, -1.0 among them"),
        (1e12, "expected weights from 0 to 2e\\+11; found 1 others"),
        (float("inf"), "found 1 others, inf among them"),
    ],
)
def test_weights_that_say_nothing_are_refused(spark: SparkSession, tmp_path: Path, weight: float, told: str) -> None:
    given = spark.createDataFrame([("u", "a", 1.0, MOMENT), ("u", "b", weight, MOMENT)], SIGNALS_FRAME)
    with pytest.raises(SignalsError, match=told):
        extent(given, ALPHA, FolderStore(tmp_path))


def test_nothing_to_learn_from_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    given = spark.createDataFrame([("u", "a", 0.0, MOMENT), (None, "b", 1.0, MOMENT), ("u", None, 1.0, MOMENT)], SIGNALS_FRAME)
    store = FolderStore(tmp_path)
    with pytest.raises(SignalsError, match="found no such row"):
        fit(spark.sparkContext, extent(given, ALPHA, store), store, SETTINGS, store)


def test_a_trainer_that_begins_with_what_serves_is_there_sooner_and_with_anything_else_as_if_it_had_begun_alone(
    rows: DataFrame, tmp_path: Path
) -> None:
    rows.sparkSession.sparkContext.setCheckpointDir(str(tmp_path / "checkpoints"))
    trainer = AlsTrainer(rank=6, regularisation=REGULARISATION, alpha=ALPHA, iterations=8)
    serving, reports = trainer.fit(rows), list[Progress]()
    with watched(reports.append):
        later = trainer.fit_from(rows.where("user_id <> 'u7'"), serving)
    assert max(one.iteration for one in reports) < trainer.iterations
    assert 0.99 < np.corrcoef(later.factors.ravel(), serving.factors.ravel())[0, 1] < 1
    for other in (replace(trainer, rank=4).fit(rows), PopularityTrainer().fit(rows)):
        assert trainer.fit_from(rows, other).factors.tobytes() == serving.factors.tobytes()
