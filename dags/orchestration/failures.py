"""How a job says why it failed, and the exceptions by which Airflow hears it.

A job that fails leaves ``{"error": {...}}`` in its result file (``jobs.entry``). The exceptions here carry it, so that Airflow's page, the
retry policy and the alert all speak the job's own words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from airflow.sdk.exceptions import AirflowException, AirflowFailException


@dataclass(frozen=True)
class JobFailure:
    """Which class of ``jobs.errors`` ended a job, about what, and what it expected, found and advises.

    >>> print(JobFailure("AuditError", "silver.events", "no NULL", "3", "Mend the input."))
    AuditError: silver.events: expected no NULL; found 3. Mend the input.
    """

    type: str
    subject: str
    expected: str
    found: str
    advice: str

    def __str__(self) -> str:
        return f"{self.type}: {self.subject}: expected {self.expected}; found {self.found}. {self.advice}"

    @classmethod
    def from_result(cls, result: object) -> Self | None:
        """What a job's result says of its failure; None when it says nothing, as after a kill."""
        error = result.get("error") if isinstance(result, Mapping) else None
        if not isinstance(error, Mapping):
            return None
        return cls(*(str(error.get(name, "")) for name in ("type", "subject", "expected", "found", "advice")))


class JobError(AirflowException):
    """The job exited with neither 0, 65 nor 75: bad luck, until it has failed too often."""

    def __init__(self, message: str, failure: JobFailure | None = None) -> None:
        super().__init__(message)
        self.failure = failure


class NotYetError(JobError):
    """The job exited with 75: what it needs has not landed yet, or another writer was faster."""


class BadDataError(AirflowFailException):
    """The job exited with 65: it will be wrong on the next attempt too."""

    def __init__(self, message: str, failure: JobFailure | None = None) -> None:
        super().__init__(message)
        self.failure = failure


def failure_of(exception: Any) -> JobFailure | None:
    """What the job said, when ``exception`` carries it."""
    failure = getattr(exception, "failure", None)
    return failure if isinstance(failure, JobFailure) else None
