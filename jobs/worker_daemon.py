"""The parent process of Spark's Python workers, with what every task would pay for again already paid.

Spark puts ``pyspark.zip`` on the workers' path. On CPython 3.11 each task then reads the archive's directory anew (170 ms of CPU, because
``worker.py`` calls ``importlib.invalidate_caches``). Here PySpark comes from the environment's own packages instead, and the libraries
that tasks use are imported before the first fork. Set by ``spark.python.daemon.module``.
"""

import gc
import importlib
import importlib.machinery
import sys

_ARCHIVES = ("pyspark.zip", "-src.zip")
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


def main() -> None:
    """Import what tasks use, then fork a worker whenever Spark asks for one."""
    prefer_installed_pyspark()
    for name in _PRELOADED:
        importlib.import_module(name)
    daemon = importlib.import_module("pyspark.daemon")
    importlib.import_module("pyspark.worker")
    gc.collect()
    gc.freeze()  # a worker collects after every task; what was loaded before the fork is left alone
    daemon.manager()


if __name__ == "__main__":
    main()
