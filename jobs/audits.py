"""The audit of what an attempt has written, beside the build of what follows: one table after the other, in a thread of its own.

The driver plans while the workers work, and neither fills a machine: so the rows of one table are read back and asked while the next
table is built. Nothing is published before every audit has passed.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from expectations.gate import judged
from jobs.attempt_record import Record
from jobs.context import Context
from jobs.errors import AuditError, CriticalAnomalyError
from jobs.step import Write

LOG = logging.getLogger("tradewind")


@dataclass
class Audits:
    """The audits of one attempt, in the order in which they were begun. Leaving it waits for all of them."""

    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="audit"))
    _begun: list[Future[None]] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Wait; an audit that failed speaks first: it is about a table before the one that could not be built."""
        self._thread.shutdown(wait=True)
        if isinstance(error, Exception):
            self.wait()

    def begin(self, audit: Callable[[], None]) -> None:
        """Run ``audit`` as soon as those before it are done; after one that failed the rest are left out."""
        self._begun.append(self._thread.submit(self._unless_one_failed, audit))

    def check(self) -> None:
        """Raise what the first audit that is done and failed has raised."""
        for one in self._begun:
            if not one.done():
                return
            one.result()

    def wait(self) -> None:
        """Wait for all of them; raises as ``check`` does."""
        for one in self._begun:
            one.result()

    def _unless_one_failed(self, audit: Callable[[], None]) -> None:
        if not any(one.exception() for one in self._begun if one.done()):
            audit()


def audit_written(context: Context, write: Write, record: Record) -> None:
    """Hold the staged rows against the table's suite and its history, in one pass over them.

    Raises AuditError for a critical expectation that is not met, CriticalAnomalyError for a critical anomaly where the settings say so.
    """
    if record.staged is None:
        return
    rows = context.lake.replaced_rows(record.staged)
    verdict = judged(rows, write.suite, context.inspection.along(write.table))
    record.rows_written, record.findings = verdict.rows, verdict.findings
    record.anomalies = context.inspection.inspect(write.table, rows, record.days, verdict.groups)
    failed = [finding for finding in record.findings if not finding.is_met]
    for finding in failed:
        LOG.warning("%s %s: %s", finding.severity, write.table.name, finding)
    critical = [finding for finding in failed if finding.severity == "critical"]
    if critical:
        raise AuditError(
            write.table.name,
            expected="; ".join(f"{f.expectation}({f.subject}) {f.expected}" for f in critical),
            found="; ".join(str(f.found) for f in critical),
            advice="Nothing was published. Look at the rows that break the rule, mend the input, and run the day again.",
        )
    _heed(context, record)


def _heed(context: Context, record: Record) -> None:
    """Tell what is unlike its history; raises CriticalAnomalyError when one of it is critical and the settings let it stop the task."""
    for anomaly in record.anomalies:
        LOG.warning("%s", anomaly)
    critical = [anomaly for anomaly in record.anomalies if anomaly.severity == "critical"]
    if critical and context.settings.anomalies_stop == "on":
        raise CriticalAnomalyError(
            record.table.name,
            expected="; ".join(f"{a.rule}({a.subject}) {a.expected}" for a in critical),
            found="; ".join(f"{a.found}: {a.sentence.rstrip('.')}" for a in critical),
            advice="Nothing was published. Mend the input and land the day again; if the day really was like that, run it once with "
            "TRADEWIND_ANOMALIES_STOP=off. docs/runbook.md has each rule under Anomalies.",
        )
