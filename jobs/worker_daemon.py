"""The parent process of Spark's Python workers, with what every task would pay for again already paid.

Spark puts ``pyspark.zip`` and the jar of its core on the workers' path. On CPython 3.11 each task then reads the directories of these
archives anew (170 and 50 ms of CPU, because ``worker.py`` calls ``importlib.invalidate_caches``). Here PySpark comes from the
environment's own packages instead, and the libraries that tasks use are imported before the first fork. What a task imports beyond them
is left out of the collections of garbage after each task (15 ms where that is Numba). Set by ``spark.python.daemon.module``.
"""

import gc
import importlib
import importlib.machinery
import sys
from collections.abc import Callable

_ARCHIVES = ("pyspark.zip", "-src.zip", ".jar")
_PRELOADED = ("numpy", "pyarrow", "pandas", "pyspark.sql.types", "pyspark.sql.pandas.types", "pyspark.sql.pandas.serializers", "boto3")


def prefer_installed_pyspark() -> None:
    """Take Spark's own archives off the path, unless PySpark comes from nowhere else."""
    kept = [entry for entry in sys.path if not entry.endswith(_ARCHIVES)]
    if importlib.machinery.PathFinder.find_spec("pyspark", kept) is None:
        return
    sys.path[:] = kept
    sys.path_importer_cache.clear()
    for name in [name for name in sys.modules if name.partition(".")[0] in {"pyspark", "py4j"}]:
        del sys.modules[name]


def keeping_imports(task: Callable[..., int]) -> Callable[..., int]:
    """The same task, after which new modules and all that they hold are set aside from further collections."""
    known = len(sys.modules)

    def run(*arguments: object) -> int:
        nonlocal known
        code = task(*arguments)
        if len(sys.modules) != known:
            known = len(sys.modules)
            gc.collect()
            gc.freeze()
        return code

    return run


def main() -> None:
    """Import what tasks use, then fork a worker whenever Spark asks for one."""
    prefer_installed_pyspark()
    for name in _PRELOADED:
        importlib.import_module(name)
    daemon = importlib.import_module("pyspark.daemon")
    importlib.import_module("pyspark.worker")
    daemon.worker = keeping_imports(daemon.worker)  # type: ignore[attr-defined]  # what ``manager`` calls for each task
    gc.collect()
    gc.freeze()  # a worker collects after every task; what was loaded before the fork is left alone
    daemon.manager()


if __name__ == "__main__":
    main()
