"""What an alert says, and how it looks as text, as a mail and as a Slack-compatible message."""

import html
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SLACK_HEADER = 150
SLACK_SECTION = 3_000
"""Most characters that Slack takes in a header and in a section (Block Kit reference)."""
LONGEST_FIELD = 2_000
"""Most characters of one part of a message; a suite that breaks on every rule would fill a screen, and the log has it all."""


class Kind(StrEnum):
    """What happened."""

    FAILED = "failed"
    LATE = "late"
    ANOMALY = "anomaly"
    RECOVERED = "recovered"
    ASKED = "asked"


SEVERITY = {Kind.FAILED: "error", Kind.LATE: "warning", Kind.ANOMALY: "warning", Kind.RECOVERED: "info", Kind.ASKED: "warning"}
_HAPPENED = {
    Kind.FAILED: "has failed",
    Kind.LATE: "is late",
    Kind.ANOMALY: "is done, but its data is unusual",
    Kind.RECOVERED: "has recovered",
    Kind.ASKED: "waits for a person",
}


@dataclass(frozen=True)
class Alert:
    """One incident, or its end, told to a person who has not looked at anything yet."""

    kind: Kind
    dag: str
    task: str | None
    """None when the alert is about a whole run."""
    tables: tuple[str, ...]
    day: str
    run: str
    attempt: int | None
    expected: str
    found: str
    advice: str
    runbook: str
    """Address of the entry in the runbook."""
    airflow: str
    """Address of Airflow's page of the task or run."""
    quality: str | None = None
    """Address of the day's page of data quality, where there is one."""
    error: str | None = None
    """Class of ``jobs.errors`` that ended the job."""

    @property
    def severity(self) -> str:
        """``error``, ``warning`` or ``info``."""
        return SEVERITY[self.kind]

    @property
    def title(self) -> str:
        """One line: task, what happened, day, table."""
        what = f"{self.dag}.{self.task}" if self.task else self.dag
        where = f", {self.tables[0] if len(self.tables) == 1 else f'{len(self.tables)} tables'}" if self.tables else ""
        of = f", {self.error}" if self.error else ""
        return f"{what} {_HAPPENED[self.kind]}: day {self.day}{where}{of}"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What there is to know, in the order in which a person asks."""
        parts = [
            ("Tables", ", ".join(self.tables)),
            ("Day", self.day),
            ("Expected", self.expected),
            ("Found", self.found),
            ("What to do", self.advice),
            ("Runbook", self.runbook),
            ("Airflow", self.airflow),
            ("Quality", self.quality or ""),
            ("Run", f"{self.run}, attempt {self.attempt}" if self.attempt else self.run),
            ("Severity", self.severity),
        ]
        return [(name, _cut(value, LONGEST_FIELD)) for name, value in parts if value]

    def as_text(self) -> str:
        """The title, then a line a fact."""
        return "\n".join([self.title, *(f"{name}: {value}" for name, value in self.facts)])

    def as_html(self) -> str:
        """The body of a mail; addresses are links."""
        rows = "".join(
            f'<tr><td valign="top"><b>{html.escape(name)}</b></td><td>{_linked(value)}</td></tr>\n' for name, value in self.facts
        )
        return f"<p><b>{html.escape(self.title)}</b></p>\n<table>\n{rows}</table>\n"

    def as_slack(self) -> dict[str, Any]:
        """The message for a Slack-compatible webhook; ``text`` is all that such a host has to understand."""
        lines = [f"*{name}:* {_slack(value)}" for name, value in self.facts]
        sections = [{"type": "section", "text": {"type": "mrkdwn", "text": _cut(line, SLACK_SECTION)}} for line in lines]
        header = {"type": "header", "text": {"type": "plain_text", "text": _cut(self.title, SLACK_HEADER)}}
        return {"text": _slack(self.as_text()), "blocks": [header, *sections]}


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def _linked(value: str) -> str:
    escaped = html.escape(value)
    return f'<a href="{escaped}">{escaped}</a>' if value.startswith(("http://", "https://")) else escaped


def _slack(text: str) -> str:
    """Slack's three reserved characters, escaped: text from a job must not become a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
