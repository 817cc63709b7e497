"""Claims about the way back to the champion of before, in a file's MLflow."""

from collections.abc import Iterator

import mlflow
import pandas as pd
import pytest

from jobs import tracking
from jobs.errors import BadDataError
from jobs.recommender.rollback import roll_back
from jobs.settings import Settings
from jobs.tracking import Tracker

FAMILY = "segments"


@pytest.fixture
def tracker(tracking_settings: Settings) -> Iterator[Tracker]:
    """Three versions, each of which took over from the one before."""
    found = tracking.connect(tracking_settings)
    client = mlflow.MlflowClient()
    client.create_registered_model(found.name(FAMILY))
    with found.training(FAMILY, run_id="r", attempt=1, code_version="test", as_of=pd.Timestamp("2026-06-30").date()) as run:
        for number in ("1", "2", "3"):
            client.create_model_version(found.name(FAMILY), f"runs:/{run.run_id}/model", run.run_id)
            found.set_champion(FAMILY, number, f"better than what was before {number}")
    yield found
    client.delete_registered_model(found.name(FAMILY))


def serving(tracker: Tracker) -> str | None:
    found = tracker.champion(FAMILY)
    return found.version if found else None


def test_each_roll_back_goes_one_further_back_until_the_fallback_serves(tracker: Tracker) -> None:
    reasons = []
    for expected in ("2", "1", None):
        reasons.append(roll_back(tracker, FAMILY, "lists look odd").reason)
        assert serving(tracker) == expected
    assert reasons[0] == "Rolled back from version 3 to version 2: lists look odd"
    assert reasons[2] == "Rolled back from version 1 to the fallback: lists look odd"
    with pytest.raises(BadDataError, match="expected a champion to roll back from; found none"):
        roll_back(tracker, FAMILY, "again")


def test_a_version_can_be_named_and_its_reason_is_kept(tracker: Tracker) -> None:
    step = roll_back(tracker, FAMILY, "the one of spring", to="1")
    found = tracker.champion(FAMILY)
    assert found is not None
    assert (found.version, found.reason) == ("1", step.reason)
    with pytest.raises(BadDataError, match="expected a version 9; found none"):
        roll_back(tracker, FAMILY, "again", to="9")
    with pytest.raises(BadDataError, match="version 1 serves already"):
        roll_back(tracker, FAMILY, "again", to="1")


def test_a_new_champion_remembers_whom_it_took_over_from_after_a_roll_back(tracker: Tracker) -> None:
    roll_back(tracker, FAMILY, "lists look odd")
    tracker.set_champion(FAMILY, "3", "mended")
    roll_back(tracker, FAMILY, "not mended")
    assert serving(tracker) == "2"


def test_nobody_serves_when_the_fallback_is_asked_for(tracker: Tracker) -> None:
    assert roll_back(tracker, FAMILY, "a holiday", to="none").back_to is None
    assert serving(tracker) is None
