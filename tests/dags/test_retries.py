"""The kind of error decides the retry; each kind is counted by itself."""

from datetime import timedelta
from typing import cast

import pytest
from airflow.sdk import Context, RetryAction
from airflow.sdk.exceptions import AirflowException
from jinja2 import UndefinedError

from jobs.errors import EXIT_BAD_DATA, EXIT_TRY_AGAIN
from orchestration import operator
from orchestration.failures import NotYetError
from orchestration.retries import KindOfErrorPolicy

POLICY = KindOfErrorPolicy(bad_luck_delay=timedelta(seconds=60), not_yet_delay=timedelta(seconds=600))


@pytest.fixture
def context() -> Context:
    """A context with a store that remembers, as Airflow's does from attempt to attempt."""

    class Store(dict[str, int]):
        def set(self, key: str, value: int) -> None:
            self[key] = value

    return cast("Context", {"task_state_store": Store()})


def test_bad_luck_is_retried_three_times_with_a_doubling_wait(context: Context) -> None:
    decisions = [POLICY.evaluate(AirflowException("killed"), number, 75, context) for number in range(1, 5)]
    assert [decision.action for decision in decisions] == [RetryAction.RETRY] * 3 + [RetryAction.FAIL]
    assert [decision.retry_delay for decision in decisions[:3]] == [timedelta(seconds=60), timedelta(seconds=120), timedelta(seconds=240)]


def test_too_early_is_retried_at_an_even_pace_for_half_a_day(context: Context) -> None:
    decisions = [POLICY.evaluate(NotYetError("no marker"), number, 75, context) for number in range(1, 73)]
    assert {decision.action for decision in decisions} == {RetryAction.RETRY}
    assert sum((decision.retry_delay or timedelta() for decision in decisions), timedelta()) == timedelta(hours=12)


def test_waiting_does_not_use_up_the_retries_of_bad_luck(context: Context) -> None:
    for number in range(1, 51):
        POLICY.evaluate(NotYetError("no marker"), number, 75, context)
    assert POLICY.evaluate(AirflowException("killed"), 51, 75, context).retry_delay == timedelta(seconds=60)


def test_a_cleared_task_has_its_retries_again(context: Context) -> None:
    for number in range(1, 5):
        POLICY.evaluate(AirflowException("killed"), number, 75, context)
    assert POLICY.evaluate(AirflowException("killed"), 5, 79, context).action is RetryAction.RETRY


def test_a_run_without_a_day_fails_at_once(context: Context) -> None:
    assert POLICY.evaluate(UndefinedError("'dict object' has no attribute 'day'"), 1, 75, context).action is RetryAction.FAIL


def test_the_codes_are_those_that_the_jobs_exit_with() -> None:
    assert (operator.EXIT_BAD_DATA, operator.EXIT_TRY_AGAIN) == (EXIT_BAD_DATA, EXIT_TRY_AGAIN)
