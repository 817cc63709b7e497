"""MLflow in a file: a real store without a server, and a small model to train."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from matplotlib.figure import Figure

from jobs import tracking
from jobs.estimate import Estimate
from jobs.settings import Settings

FAMILY = "greeters"
LOADER = """
from pathlib import Path


class Greeter:
    def __init__(self, word):
        self.word = word

    def predict(self, frame):
        return frame.assign(greeting=self.word + " " + frame["user_id"])[["user_id", "greeting"]]


def _load_pyfunc(path):
    return Greeter(Path(path, "word.txt").read_text())
"""

LOGIN = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
FAMILIES = (FAMILY, "recommender", "segments")


@pytest.fixture(scope="module")
def tracking_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings whose MLflow is a new SQLite file, with the experiments of ``FAMILIES``."""
    place = tmp_path_factory.mktemp("mlflow")
    with tracked({"MLFLOW_TRACKING_URI": f"sqlite:///{place / 'mlflow.db'}"}) as settings:
        tracker = tracking.connect(settings)
        for family in FAMILIES:
            mlflow.create_experiment(tracker.name(family), artifact_location=str(place / family))
        yield settings


@contextmanager
def tracked(server: Mapping[str, str]) -> Iterator[Settings]:
    """Settings for a server of MLflow; afterwards this process has the one it had before."""
    given = {"CATALOG_URI": "jdbc:x", "CATALOG_USER": "u", "CATALOG_PASSWORD": "p", "PSEUDONYM_KEY": "k" * 32} | dict(server)
    before, logins = mlflow.get_tracking_uri(), {name: os.environ.get(name) for name in LOGIN}
    try:
        yield Settings.from_environment({f"TRADEWIND_{name}": value for name, value in given.items()})
    finally:
        mlflow.set_tracking_uri(before)
        mlflow.set_registry_uri(before)
        for name, value in logins.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def train(tracking_settings: Settings, place: Path, word: str) -> tuple[str, str]:
    """One training that registers a model greeting with ``word``; returns the run's id and the version."""
    data, loader = place / "data", place / "served_greeter.py"
    data.mkdir(parents=True)
    (data / "word.txt").write_text(word, encoding="utf-8")
    loader.write_text(LOADER, encoding="utf-8")
    tracker = tracking.connect(tracking_settings)
    example = pd.DataFrame({"user_id": ["u1"]})
    output = pd.DataFrame({"user_id": ["u1"], "greeting": [f"{word} u1"]})
    window = (date(2026, 6, 1), date(2026, 6, 30))
    with tracker.training(FAMILY, run_id="r-1", attempt=2, code_version="0.1.0+abc", as_of=date(2026, 6, 30), window=window) as run:
        run.log_inputs({"gold.interactions": 4711, "silver.items": 42})
        with run.child("warm") as child:
            child.log_params({"word": word, "rank": 8})
            child.log_metrics({"warmth": 0.25})
        run.log_metrics({"ndcg_at_10": Estimate(0.2, 0.1, 0.3), "coverage_at_10": 0.5})
        run.log_figure(Figure(), "empty")
        uri = tracker.log_model(run, loader=loader, data=data, example=example, output=output, packages=("pandas",))
        version = tracker.register(FAMILY, uri, {"as_of_date": "2026-06-30"})
    return run.run_id, version
