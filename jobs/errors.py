"""The errors that a job raises on purpose, each with the exit code that decides whether Airflow tries again.

0 done; 65 bad data, fails at once; 75 not yet or a lost race, tried again; anything else is bad luck with the default retries.
"""

EXIT_BAD_DATA = 65
EXIT_TRY_AGAIN = 75


class TradewindError(Exception):
    """An error with an exit code; its message says which table, what was expected, what was found, and what to do."""

    exit_code: int = 1

    def __init__(self, subject: str, *, expected: str, found: str, advice: str) -> None:
        self.subject, self.expected, self.found, self.advice = subject, expected, found, advice
        super().__init__(f"{subject}: expected {expected}; found {found}. {advice}")


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


class LandingError(BadDataError):
    """A landed day is empty where that is not allowed, or differs from its marker."""


class RejectShareError(BadDataError):
    """More rows were rejected than the table allows."""


class TryAgainError(TradewindError):
    """The attempt came too early or lost a race; a later one can succeed."""

    exit_code = EXIT_TRY_AGAIN


class NotLandedError(TryAgainError):
    """A day has no marker yet."""


class LostRaceError(TryAgainError):
    """Another writer published first."""
