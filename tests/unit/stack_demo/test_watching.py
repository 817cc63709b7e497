"""Runs are watched by what Airflow says of their tasks."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import cast

import pytest

from stack.demo import watching
from stack.demo.airflow_api import AirflowApi, Attempt, Run

RUN = Run("train_recommender_weekly", "r", "running", None, {}, datetime(2026, 6, 30, tzinfo=UTC), None)


class Answers:
    """Airflow, whose answers are known."""

    def __init__(self, *states: str) -> None:
        self.states: Iterator[str] = iter(states)
        self.asked = 0

    def attempts(self, run: Run) -> list[Attempt]:
        """One task, in the next state."""
        assert run is RUN
        self.asked += 1
        return [Attempt("train_recommender", next(self.states), 1, 0.0), Attempt("approve", "none", 0, 0.0)]


@pytest.mark.parametrize(
    ("states", "asked"), [(("none", "scheduled", "queued", "running", "never asked"), 4), (("success", "never asked"), 1)]
)
def test_a_run_has_begun_when_one_of_its_tasks_has(states: tuple[str, ...], asked: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SOON_SECONDS", 0.0)
    api = Answers(*states)
    watching.await_begun(cast("AirflowApi", api), RUN)
    assert api.asked == asked


def test_a_run_that_never_begins_is_not_waited_for_longer_than_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SOON_SECONDS", 0.0)
    watching.await_begun(cast("AirflowApi", Answers()), RUN, seconds=0)
