"""The scheduler's own settings: how long to wait, and whether cron starts anything. They never reach a job.

Read from the environment while a DAG file is parsed, which costs nothing; a misspelt name is an import error that names it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

PREFIX = "TRADEWIND_DAGS_"


@dataclass(frozen=True)
class DagSettings:
    """Waits and switches of the DAGs; raises ValueError for a variable of that prefix that is not declared, or has no sense."""

    cron: bool = True
    """Whether the daily and weekly schedules start runs. Off for historic sources, whose days are started by key."""
    maintenance_acts: bool = False
    """Whether a run of ``maintain_weekly`` deletes unless it is told otherwise (``act``), or only says what would go (``plan``)."""
    retry_seconds: int = 60
    """Wait before the first retry after bad luck; it doubles with each further one."""
    not_yet_seconds: int = 600
    """Wait after an attempt that came too early (exit 75)."""
    deadline_seconds: int = 6 * 3600
    """How much longer than the last ones a daily run may take before it raises an alert; the first run ever raises none."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings.

        >>> DagSettings.from_environment({"TRADEWIND_DAGS_CRON": "off", "TRADEWIND_DAGS_RETRY_SECONDS": "1"}).retry_seconds
        1
        """
        env = os.environ if environ is None else environ
        values = {name.removeprefix(PREFIX).lower(): value for name, value in env.items() if name.startswith(PREFIX)}
        seconds = {"retry_seconds", "not_yet_seconds", "deadline_seconds"}
        unknown = sorted(values.keys() - seconds - {"cron", "maintenance"})
        if unknown:
            message = f"{PREFIX}{unknown[0].upper()} is not a setting of the DAGs; known: {PREFIX}CRON, {PREFIX}MAINTENANCE, " + ", ".join(
                f"{PREFIX}{name.upper()}" for name in sorted(seconds)
            )
            raise ValueError(message)
        cron = values.pop("cron", "on")
        if cron not in {"on", "off"}:
            message = f"{PREFIX}CRON is {cron!r}; expected on or off"
            raise ValueError(message)
        maintenance = values.pop("maintenance", "plan")
        if maintenance not in {"act", "plan"}:
            message = f"{PREFIX}MAINTENANCE is {maintenance!r}; expected act or plan"
            raise ValueError(message)
        return cls(cron=cron == "on", maintenance_acts=maintenance == "act", **{name: int(value) for name, value in values.items()})

    @property
    def retry_delay(self) -> timedelta:
        """The wait before the first retry after bad luck."""
        return timedelta(seconds=self.retry_seconds)

    @property
    def not_yet_delay(self) -> timedelta:
        """The wait after an attempt that came too early."""
        return timedelta(seconds=self.not_yet_seconds)


SETTINGS = DagSettings.from_environment()
