"""MLflow in a file: a real store without a server."""

from collections.abc import Iterator

import mlflow
import pytest

from jobs import tracking
from jobs.settings import Settings

FAMILIES = ("greeters", "recommender", "segments")


@pytest.fixture(scope="module")
def tracking_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings whose MLflow is a new SQLite file, with the experiments of ``FAMILIES``."""
    place = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{place / 'mlflow.db'}"
    given = {"CATALOG_URI": "jdbc:x", "CATALOG_USER": "u", "CATALOG_PASSWORD": "p", "PSEUDONYM_KEY": "k" * 32, "MLFLOW_TRACKING_URI": uri}
    made = Settings.from_environment({f"TRADEWIND_{name}": value for name, value in given.items()})
    before = mlflow.get_tracking_uri()
    tracker = tracking.connect(made)
    for family in FAMILIES:
        mlflow.create_experiment(tracker.name(family), artifact_location=str(place / family))
    yield made
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri(before)
