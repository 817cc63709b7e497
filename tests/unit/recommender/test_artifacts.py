"""A model's way to MLflow's folder and back."""

import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse as sp

import jobs
from jobs import tracking
from jobs.errors import BadDataError
from jobs.recommender import served_recommender
from jobs.recommender.artifacts import Artifacts
from jobs.recommender.candidate import Candidate
from jobs.recommender.family import TRAINERS
from jobs.recommender.models.als import AlsTrainer
from jobs.recommender.models.item_neighbours import ItemNeighbours, ItemNeighboursTrainer
from jobs.recommender.models.popularity import Popularity
from jobs.recommender.served_recommender import ASKED, ServedRecommender
from jobs.recommender.weights import Weighting
from jobs.settings import Settings

LIKENESS = sp.csr_matrix(np.array([[0.0, 0.5, 0.25], [0.5, 0.0, 0.0], [0.25, 0.0, 0.0]]))
MODEL = Artifacts(
    ItemNeighbours(pa.array(["mug", "pot", "tea"]), LIKENESS, "item_neighbours"),
    Popularity(pa.array(["cup", "mug"]), np.array([9.0, 1.0])),
    Candidate(ItemNeighboursTrainer(neighbours=7), Weighting(half_life_days=3.0)),
    "2026-06-25",
)
ASKERS = pd.DataFrame(
    [("knows mugs", ["mug"], [2.0], [0], ["mug"]), ("nobody", [], [], [], [])],
    columns=ASKED.names,
)
ANSWERS = [
    ("knows mugs", 1, "pot", "item_neighbours"),
    ("knows mugs", 2, "tea", "item_neighbours"),
    ("knows mugs", 3, "cup", "popularity"),
    ("nobody", 1, "cup", "popularity"),
    ("nobody", 2, "mug", "popularity"),
]


def answers(frame: pd.DataFrame) -> list[tuple[str, int, str, str]]:
    return list(frame[["user_id", "rank", "item_id", "model"]].itertuples(index=False, name=None))


def test_a_model_comes_back_from_its_files_as_it_went(tmp_path: Path) -> None:
    MODEL.write(tmp_path)
    back = Artifacts.read(tmp_path)
    assert (back.candidate, back.as_of_date) == (MODEL.candidate, MODEL.as_of_date)
    assert back.fingerprint() == MODEL.fingerprint()
    assert answers(ServedRecommender(tmp_path).predict(ASKERS)) == ANSWERS


def test_a_model_of_another_form_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"rank": 32}', encoding="utf-8")
    with pytest.raises(BadDataError, match=r"found a model of an older form.*roll-back --to none"):
        Artifacts.read(tmp_path)


def test_other_figures_have_another_fingerprint() -> None:
    other = Artifacts(
        ItemNeighbours(MODEL.personal.item_ids, LIKENESS * 2, "item_neighbours"), MODEL.popular, MODEL.candidate, "2026-06-25"
    )
    assert other.fingerprint() != MODEL.fingerprint()


@pytest.mark.parametrize("name", sorted(TRAINERS))
def test_the_parameters_of_every_model_survive_the_way_to_the_registry_and_back(name: str) -> None:
    candidate = Candidate(TRAINERS[name])
    assert Candidate.from_dict(candidate.as_dict()) == candidate


def test_a_run_is_told_every_parameter_by_name() -> None:
    params = Candidate(AlsTrainer(rank=4)).params()
    assert (params["model"], params["rank"], params["weight_purchase"], params["half_life_days"]) == ("als", 4, 5.0, 14.0)


def test_mlflow_serves_it_where_nothing_of_ours_is_installed(tracking_settings: Settings, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    MODEL.write(data)
    tracker = tracking.connect(tracking_settings)
    with tracker.training("recommender", run_id="r-1", attempt=1, code_version="test", as_of=pd.Timestamp("2026-06-25").date()) as run:
        uri = tracker.log_model(
            run,
            loader=Path(served_recommender.__file__),
            data=data,
            example=ASKERS,
            output=ServedRecommender(data).predict(ASKERS),
            packages=("numpy", "pyarrow"),
            package=Path(jobs.__file__).parent,
        )
    place = mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path / "there"))
    ASKERS.to_pickle(tmp_path / "askers.pkl")
    ask = (
        "import sys, mlflow, pandas as pd; "
        "found = mlflow.pyfunc.load_model(sys.argv[1]).predict(pd.read_pickle(sys.argv[2])); "
        "assert 'there' in sys.modules['jobs'].__file__, sys.modules['jobs'].__file__; "
        "print(found[['user_id', 'rank', 'item_id', 'model']].to_csv(index=False, header=False))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", ask, place, str(tmp_path / "askers.pkl")], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[: len(ANSWERS)] == [",".join(str(value) for value in row) for row in ANSWERS]
