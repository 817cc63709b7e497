"""A model's way to MLflow's folder and back."""

from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs.recommender.als import AlsParameters, Factors
from jobs.recommender.artifacts import Artifacts, local_copy, restore
from jobs.recommender.weights import Weighting


def kept(frame: DataFrame) -> list[tuple[Any, ...]]:
    return sorted((row[0], tuple(row[1]) if isinstance(row[1], list) else row[1]) for row in frame.collect())


def test_a_model_comes_back_from_its_files_as_it_went(spark: SparkSession, tmp_path: Path) -> None:
    fitted = Factors(
        spark.createDataFrame([("u1", [0.5, -1.25]), ("u2", [3.0, 0.0])], "user_id string, factors array<float>"),
        spark.createDataFrame([("tea", [1.0, 2.0])], "item_id string, factors array<float>"),
    )
    parameters = AlsParameters(rank=2, weighting=Weighting(half_life_days=3.0))
    model = Artifacts(fitted, spark.createDataFrame([("tea", 4.5)], "item_id string, score double"), parameters, "2026-06-25")
    shared = f"file://{tmp_path}/shared"
    with local_copy(spark, model, f"{shared}/out") as folder:
        back = restore(spark, folder, f"{shared}/in")
        assert kept(back.personal.user_factors) == kept(fitted.user_factors)
        assert kept(back.personal.item_factors) == kept(fitted.item_factors)
        assert kept(back.popularity) == kept(model.popularity)
        assert (back.parameters, back.as_of_date) == (parameters, "2026-06-25")
        (folder / "user_factors").rename(folder / "gone")
        again = restore(spark, folder, f"{shared}/in")
        assert kept(again.personal.user_factors) == kept(fitted.user_factors), "what is there already is not fetched again"
    assert not folder.exists()
    assert not (tmp_path / "shared" / "out").exists()
