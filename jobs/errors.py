"""The errors that a job raises on purpose, each with the exit code that decides whether Airflow tries again.

0 done; 65 bad data, fails at once; 75 not yet or a lost race, tried again; anything else is bad luck with the default retries: 69 where we
know what was not there. Each class has an entry of its name in docs/runbook.md.
"""

import re
from collections.abc import Mapping
from typing import Self

EXIT_BAD_DATA = 65
EXIT_UNAVAILABLE = 69
EXIT_TRY_AGAIN = 75

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""The text with control characters, and those that turn the direction of what follows, written out; line ends and tabs stay.

    Names and lines of files come from strangers: a terminal or a log that shows them must not obey them.

    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class TradewindError(Exception):
    """An error with an exit code; its message says which table, what was expected, what was found, and what to do."""

    exit_code: int = 1

    def __init__(self, subject: str, *, expected: str, found: str, advice: str) -> None:
        self.subject, self.expected, self.found, self.advice = map(printable, (subject, expected, found, advice))
        super().__init__(f"{self.subject}: expected {self.expected}; found {self.found}. {self.advice}")

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The error that says ``text``: what a trace shows of one that was raised in another process.

        >>> str(LandingError.from_text("f: expected a whole gzip file; found an end. Fetch it again."))
        'f: expected a whole gzip file; found an end. Fetch it again.'
        """
        subject, _, rest = text.partition(": expected ")
        expected, _, rest = rest.partition("; found ")
        found, _, advice = rest.partition(". ")
        return cls(subject, expected=expected, found=found, advice=advice)

    def as_dict(self) -> Mapping[str, str]:
        """Its class and its four parts, for the task's result."""
        parts = {"subject": self.subject, "expected": self.expected, "found": self.found, "advice": self.advice}
        return {"type": type(self).__name__, **parts}


class BadDataError(TradewindError):
    """The data is wrong and will be wrong on the next attempt too; a person has to look."""

    exit_code = EXIT_BAD_DATA


class ContractError(BadDataError):
    """A frame does not have the declared columns."""


class AuditError(BadDataError):
    """A written table broke a critical rule of its suite; nothing was published."""


class CriticalAnomalyError(BadDataError):
    """A written day is so unlike its own history that nobody should read it before a person has looked; nothing was published."""


class SettingsError(BadDataError):
    """A setting is missing, malformed or unknown."""


class TagsError(SettingsError):
    """The file of tags has a tag that cannot be asked; the message lists every fault with its line."""


class LoginError(SettingsError):
    """A service refuses the login that the settings hold, or does not know the place that they name."""


class LandingError(BadDataError):
    """A landed day is empty where that is not allowed, or differs from its marker."""


class RejectShareError(BadDataError):
    """More rows were rejected than the table allows."""


class ExpiredRawError(BadDataError):
    """Raw text that is needed has reached the end of its retention; a rebuild would be from half of what had landed."""


class SignalsError(BadDataError):
    """What a model is to learn from is empty where it must not be, or has weights that are no numbers, negative or beyond all bounds."""


class TooLargeError(BadDataError):
    """A model was asked to learn from more than it is meant for."""


class MissingExtraError(BadDataError):
    """What was asked for needs the packages of an extra, and this environment does not have them."""


class TryAgainError(TradewindError):
    """The attempt came too early or lost a race; a later one can succeed."""

    exit_code = EXIT_TRY_AGAIN


class NotLandedError(TryAgainError):
    """A day has no marker yet."""


class LostRaceError(TryAgainError):
    """Another writer published first."""


class UnavailableError(TradewindError):
    """A service that the job needs does not answer, or ended the connection; a later attempt can succeed."""

    exit_code = EXIT_UNAVAILABLE


class DiskFullError(UnavailableError):
    """There is no room left: in the object store, in Spark's scratch, or for the database."""


class UnexpectedError(TradewindError):
    """What nobody foresaw: the name under which an alert speaks of an exception that is none of these; the log has its trace."""
