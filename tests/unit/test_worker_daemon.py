"""What Spark's Python workers are spared after each task."""

import gc
import sys
import zipimport
from collections.abc import Iterable, Iterator
from types import ModuleType

import pytest
from pyspark.sql import SparkSession

from jobs.worker_daemon import keeping_imports


def archives(_: Iterable[int]) -> Iterator[str]:
    """Archives whose directories are read anew before each task."""
    yield from (path for path, finder in sys.path_importer_cache.items() if isinstance(finder, zipimport.zipimporter))


def test_no_archive_is_on_the_path_of_a_worker(spark: SparkSession) -> None:
    assert spark.sparkContext.parallelize([0], 1).mapPartitions(archives).collect() == []


def test_what_a_task_imports_is_set_aside_once(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(len(sys.modules)))

    def importing(name: str) -> int:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
        return 7

    task = keeping_imports(importing)
    assert [task("a_new_module"), task("a_new_module"), task("another_new_module")] == [7, 7, 7]
    assert len(frozen) == 2
