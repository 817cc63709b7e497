"""The kind of error decides the retry: bad data or no day never, too early often, bad luck three times."""

from datetime import timedelta

from airflow.sdk import Context, RetryDecision, RetryPolicy
from jinja2 import UndefinedError

from orchestration.failures import NotYetError

BAD_LUCK_RETRIES = 3
"""Further attempts after a crash, a lost connection or any other error without a code of its own."""
NOT_YET_RETRIES = 72
"""Further attempts after exit 75: twelve hours at the default wait of ten minutes."""


class KindOfErrorPolicy(RetryPolicy):
    """Retry too-early attempts at an even pace and unlucky ones with a doubling wait; count each kind by itself.

    A task that has waited all night for its files still has its retries when the machine hiccups afterwards. Bad data (exit 65) does
    not come here: Airflow fails an ``AirflowFailException`` before it asks any policy.
    """

    def __init__(self, *, bad_luck_delay: timedelta, not_yet_delay: timedelta) -> None:
        self.bad_luck_delay, self.not_yet_delay = bad_luck_delay, not_yet_delay

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None) -> RetryDecision:
        """Retry or fail; ``max_tries`` grows when a person clears the task, which starts the count of unlucky attempts anew."""
        if isinstance(exception, NotYetError):
            return RetryDecision.retry(self.not_yet_delay, reason=f"not yet; attempt {try_number} of {max_tries + 1}")
        if isinstance(exception, UndefinedError):
            return RetryDecision.fail("the run has no day: trigger it with one as partition key, or as its configuration")
        unlucky = try_number
        if context is not None:
            key = f"unlucky_attempts_of_{max_tries}"
            counted = context["task_state_store"].get(key, 0)
            unlucky = 1 + (counted if isinstance(counted, int) else 0)
            context["task_state_store"].set(key, unlucky)
        if unlucky > BAD_LUCK_RETRIES:
            return RetryDecision.fail(f"failed {unlucky} times")
        return RetryDecision.retry(self.bad_luck_delay * 2 ** (unlucky - 1), reason=f"retry {unlucky} of {BAD_LUCK_RETRIES}")
