"""A fit whose arrays lie in the real object store: driver and tasks have nothing but it in common, and the bits are those of a folder."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.recommender.als import blocks
from jobs.recommender.als.blocks import USERS, extent, name
from jobs.recommender.als.fit import Fitted, fit
from jobs.recommender.als.lists import lists, with_user_ids
from jobs.recommender.als.object_arrays import ObjectArrays
from jobs.recommender.als.store import ArrayStore, FolderStore
from jobs.recommender.histories import SIGNALS_FRAME
from jobs.settings import Settings
from jobs.store import Store
from tests.unit.recommender.test_als_iterations import ALPHA, GIVEN, SETTINGS

SHORT = replace(SETTINGS, iterations=2)


@pytest.fixture(autouse=True)
def _several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "PAIRS_A_BLOCK", 150)


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> Iterator[DataFrame]:
    given = [(f"u{u}", f"i{i:02}", float(GIVEN[u, i]), None) for u, i in np.argwhere(GIVEN > 0).tolist()]
    found = spark.createDataFrame(given, SIGNALS_FRAME).repartition(2).persist()
    yield found
    found.unpersist()


def made(rows: DataFrame, store: ArrayStore) -> tuple[Fitted, bytes, list[object]]:
    """What a fit returns, the users' rows as it has left them, and everybody's lists."""
    known = extent(rows, ALPHA, store)
    fitted = fit(rows.sparkSession.sparkContext, known, store, SHORT, store, for_lists=True)
    users = b"".join(store.read(name(USERS, block, fitted.user_factors)).tobytes() for block in range(known.blocks))
    listed = with_user_ids(lists(rows.sparkSession, fitted, store, known, 5), rows, known).orderBy("user_id").collect()
    return fitted, users, [row.asDict() for row in listed]


def test_a_fit_through_the_object_store_has_the_bits_of_one_in_a_folder_and_leaves_nothing(
    rows: DataFrame, services: Settings, tmp_path: Path
) -> None:
    bucket = Store.from_settings(services)
    through_store = ObjectArrays(bucket, "scratch/als/bits")
    here, there = made(rows, FolderStore(tmp_path)), made(rows, through_store)
    assert len(list(bucket.list("scratch/als/bits/"))) > 10
    assert there[0].factors.tobytes() == here[0].factors.tobytes()
    assert there[0].objectives == here[0].objectives
    assert there[1:] == here[1:]
    through_store.clear()
    assert not list(bucket.list("scratch/als/bits"))
    assert not list((Path(tempfile.gettempdir()) / "tradewind-arrays").glob("*bits*"))


def test_what_a_task_has_written_lies_in_a_folder_of_its_executor_and_in_the_store(spark: SparkSession, services: Settings) -> None:
    store = ObjectArrays(Store.from_settings(services), "scratch/als/places")

    def write(numbers: Iterable[int]) -> Iterator[tuple[str, bool]]:
        for number in numbers:
            store.write(f"array-{number}", np.full(3, number))
            local = Path(os.environ["SPARK_LOCAL_DIRS"].split(",")[0]) / "tradewind-arrays" / "scratch-als-places"
            yield str(local), (local / f"array-{number}.npy").exists()

    found = spark.sparkContext.parallelize(range(2), 2).mapPartitions(write).collect()
    assert all(exists for _, exists in found)
    assert [store.read(f"array-{number}").tolist() for number in range(2)] == [[0, 0, 0], [1, 1, 1]]
    assert str(store._local.folder) not in {folder for folder, _ in found}
    store.clear()
