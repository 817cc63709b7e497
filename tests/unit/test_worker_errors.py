"""An error of ours that a worker raised is one of ours again in the driver."""

import pytest
from pyspark.errors import PySparkException

from jobs import errors
from jobs.worker_errors import ours, raised_in_worker

MESSAGE = "landing/x/part-0: expected sha256 aa; found bb. Is it whole? Land the day again."
TRACE = f"""org.apache.spark.SparkException: Job aborted ... Traceback (most recent call last):
  File "lines.py", line 80, in read
jobs.errors.LandingError: {MESSAGE}
"""


class Thrown:
    """A Java exception as Py4J shows it: a message and a cause."""

    def __init__(self, message: str, cause: "Thrown | None" = None) -> None:
        self.message, self.cause = message, cause

    def getMessage(self) -> str:  # noqa: N802 - Java's name
        return self.message

    def getCause(self) -> "Thrown | None":  # noqa: N802
        return self.cause


def test_an_error_of_ours_that_a_worker_raised_keeps_its_kind_its_words_and_its_exit_code() -> None:
    raised = raised_in_worker(TRACE)
    assert (type(raised), str(raised), raised and raised.exit_code) == (errors.LandingError, MESSAGE, errors.EXIT_BAD_DATA)


def test_it_is_found_however_deep_spark_has_wrapped_it() -> None:
    error = PySparkException("[WRITE_FAILED] Writing job aborted")
    error._origin = Thrown("Writing job aborted", Thrown("Job aborted due to stage failure", Thrown(TRACE)))  # type: ignore[attr-defined]
    assert str(ours(error)) == MESSAGE


@pytest.mark.parametrize("error", [PySparkException("out of memory"), OSError("jobs.errors.LandingError: x"), KeyError("x")])
def test_a_strangers_error_is_bad_luck(error: Exception) -> None:
    assert ours(error) is None
    assert raised_in_worker("java.io.IOException: No space left on device; jobs.errors.Unknown: x") is None


def test_one_that_was_raised_here_is_itself() -> None:
    error = errors.NotLandedError("x", expected="a", found="b", advice="c")
    assert ours(error) is error
