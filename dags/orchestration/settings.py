"""The scheduler's own settings: how long to wait, whether cron starts anything, whom to ask or alert. They reach no job and hold no secret.

Read from the environment while a DAG file is parsed, which costs nothing; a misspelt name is an import error that names it.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Annotated, Any, Self

PREFIX = "TRADEWIND_DAGS_"


@dataclass(frozen=True)
class DagSettings:
    """Waits, switches and addressees of the DAGs; raises ValueError for a variable of that prefix that is not declared, or has no sense."""

    cron: Annotated[bool, "Whether the daily and weekly schedules start runs. Off for historic sources, whose days are started by key."] = (
        True
    )
    maintenance_acts: Annotated[
        bool, "Whether a run of ``maintain_weekly`` deletes unless it is told otherwise (``act``), or only says what would go (``plan``)."
    ] = False
    approval: Annotated[bool, "Whether a person decides before a recommender that has passed the gate serves."] = False
    approval_days: Annotated[
        int, "How long the answer may take, a day at least; then it is no. Below seven, or the wait holds up the next weekly training."
    ] = 6
    retry_seconds: Annotated[int, "Wait before the first retry after bad luck; it doubles with each further one."] = 60
    not_yet_seconds: Annotated[int, "Wait after an attempt that came too early (exit 75)."] = 600
    deadline_seconds: Annotated[
        int,
        "How much longer than the last ones a daily run, or how long a waiting task of another one, may take before it raises an alert.",
    ] = 6 * 3600
    alert_email_to: Annotated[tuple[str, ...], "Addresses, separated by commas, that get alerts by e-mail; none: no e-mail."] = ()
    alert_email_connection: Annotated[str, "Airflow's connection of type ``smtp`` that holds server, login and sender."] = "smtp_default"
    alert_webhook_connection: Annotated[
        str, "Airflow's connection whose password is the address of a Slack-compatible webhook; empty: no webhook."
    ] = ""
    alert_seconds: Annotated[int, "How long all channels together may take over an alert before the task goes on without them."] = 15
    runbook_url: Annotated[str, "Where the runbook can be read; an alert adds the entry."] = "docs/runbook.md"
    quality_url: Annotated[str, "Where a day's data quality can be read, with ``{day}`` for the day; empty: alerts have no such link."] = ""

    def __post_init__(self) -> None:
        """Refuse a question that would be answered with no as soon as it is asked."""
        if self.approval_days < 1:
            message = f"{_variable('approval_days')} is '{self.approval_days}'; expected 1 or more"
            raise ValueError(message)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings.

        >>> DagSettings.from_environment({"TRADEWIND_DAGS_CRON": "off", "TRADEWIND_DAGS_RETRY_SECONDS": "1"}).retry_seconds
        1
        >>> DagSettings.from_environment({"TRADEWIND_DAGS_ALERT_EMAIL_TO": "data@shop.example, on-call@shop.example"}).alert_email_to
        ('data@shop.example', 'on-call@shop.example')
        """
        env = os.environ if environ is None else environ
        values = {name.removeprefix(PREFIX).lower(): value for name, value in env.items() if name.startswith(PREFIX)}
        known = [entry.name for entry in fields(cls)]
        unknown = sorted(values.keys() - set(known))
        if unknown:
            message = f"{_variable(unknown[0])} is not a setting of the DAGs; known: {', '.join(map(_variable, known))}"
            raise ValueError(message)
        return cls(**{entry.name: _read(entry.name, values[entry.name], entry.default) for entry in fields(cls) if entry.name in values})

    @property
    def approval_wait(self) -> timedelta:
        """How long a question waits for its answer."""
        return timedelta(days=self.approval_days)

    @property
    def retry_delay(self) -> timedelta:
        """The wait before the first retry after bad luck."""
        return timedelta(seconds=self.retry_seconds)

    @property
    def not_yet_delay(self) -> timedelta:
        """The wait after an attempt that came too early."""
        return timedelta(seconds=self.not_yet_seconds)


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def _read(name: str, text: str, default: object) -> Any:
    """A value of the default's type; raises ValueError that names the variable."""
    if name.endswith("_connection") and not re.fullmatch(r"[\w.-]*", text):
        # Without the value: it may be the secret itself, put into the wrong place.
        message = f"{_variable(name)} is not the name of an Airflow connection; the address or password belongs into the connection"
        raise ValueError(message)
    expected = {bool: "on or off", int: "a whole number", tuple: "addresses such as data@shop.example, separated by commas"}
    try:
        if isinstance(default, bool):
            return {"on": True, "off": False}[text]
        if isinstance(default, int):
            return int(text)
        if isinstance(default, tuple):
            return tuple(_address(part.strip()) for part in text.split(",") if part.strip())
    except (KeyError, ValueError):
        message = f"{_variable(name)} is {text!r}; expected {expected[type(default)]}"
        raise ValueError(message) from None
    return text


def _address(text: str) -> str:
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", text):
        raise ValueError(text)
    return text


SETTINGS = DagSettings.from_environment()
