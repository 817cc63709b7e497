"""A model's files between Spark and MLflow: Spark writes and reads the shared scratch place, MLflow wants a local folder.

Files are copied one by one, so that the driver needs disk for a model but no memory for it.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from pyspark.sql import DataFrame, SparkSession

from jobs.recommender.als import AlsParameters, Factors

USER_FACTORS, ITEM_FACTORS, POPULARITY, MODEL = "user_factors", "item_factors", "popularity", "model.json"


@dataclass(frozen=True)
class Artifacts:
    """A fitted model as it is kept: factors with string ids, popularity at the same day, and what it was made with."""

    personal: Factors
    popularity: DataFrame
    parameters: AlsParameters
    as_of_date: str


@dataclass(frozen=True)
class ChampionModel:
    """The registered version that serves, opened for Spark."""

    version: str
    artifacts: Artifacts


@contextmanager
def local_copy(spark: SparkSession, model: Artifacts, place: str) -> Iterator[Path]:
    """A local folder with the model's files, for as long as the block lasts: Parquet folders and ``model.json``.

    Spark writes them below ``place`` first, a shared folder that nobody else uses and that is removed at the end.
    """
    frames = {USER_FACTORS: model.personal.user_factors, ITEM_FACTORS: model.personal.item_factors, POPULARITY: model.popularity}
    folder = Path(tempfile.mkdtemp(prefix="tradewind-model-"))
    try:
        for name, frame in frames.items():
            frame.write.mode("overwrite").parquet(f"{place}/{name}")
            (folder / name).mkdir()
            _copy_files_out(spark, f"{place}/{name}", folder / name)
        about = {"rank": model.parameters.rank, "parameters": model.parameters.as_dict(), "as_of_date": model.as_of_date}
        (folder / MODEL).write_text(json.dumps(about, indent=2, sort_keys=True), encoding="utf-8")
        yield folder
    finally:
        shutil.rmtree(folder)
        _file_system(spark, place).delete(_path(spark, place), True)


def restore(spark: SparkSession, folder: Path, place: str) -> Artifacts:
    """Open the model that lies in the local ``folder`` from the shared ``place``; copies it there unless it is there already."""
    target, system = _path(spark, place), _file_system(spark, place)
    if not system.exists(target):
        arriving = f"{place}.{uuid4().hex}"
        for name in (USER_FACTORS, ITEM_FACTORS, POPULARITY):
            system.mkdirs(_path(spark, f"{arriving}/{name}"))
            for file in sorted((folder / name).glob("*.parquet")):
                system.copyFromLocalFile(False, True, _path(spark, file.as_uri()), _path(spark, f"{arriving}/{name}/{file.name}"))
        system.rename(_path(spark, arriving), target)
    about = json.loads((folder / MODEL).read_text(encoding="utf-8"))
    return Artifacts(
        personal=Factors(_read(spark, place, USER_FACTORS, "user_id"), _read(spark, place, ITEM_FACTORS, "item_id")),
        popularity=spark.read.schema("item_id string, score double").parquet(f"{place}/{POPULARITY}"),
        parameters=AlsParameters.from_dict(about["parameters"]),
        as_of_date=str(about["as_of_date"]),
    )


def place_of(scratch_uri: str, *parts: str) -> str:
    """A folder of the scratch place that is named after ``parts``, whatever characters they have."""
    return "/".join([scratch_uri.rstrip("/"), *[re.sub(r"[^A-Za-z0-9._-]+", "_", part) for part in parts]])


def _read(spark: SparkSession, place: str, name: str, key: str) -> DataFrame:
    return spark.read.schema(f"{key} string, factors array<float>").parquet(f"{place}/{name}")


def _copy_files_out(spark: SparkSession, uri: str, folder: Path) -> None:
    system = _file_system(spark, uri)
    for status in system.listStatus(_path(spark, uri)):
        name = str(status.getPath().getName())
        if name.endswith(".parquet"):
            system.copyToLocalFile(False, status.getPath(), _path(spark, (folder / name).as_uri()), True)


def _path(spark: SparkSession, uri: str) -> Any:
    jvm: Any = spark.sparkContext._jvm
    return jvm.org.apache.hadoop.fs.Path(uri)


def _file_system(spark: SparkSession, uri: str) -> Any:
    java: Any = spark.sparkContext._jsc
    return _path(spark, uri).getFileSystem(java.hadoopConfiguration())
