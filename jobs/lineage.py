"""OpenLineage: each task says what it read, wrote and found, to whom the deployment names; silent, and nothing imported, without that.

A transport is named as the ``openlineage-python`` client wants it: ``OPENLINEAGE_URL``, ``OPENLINEAGE_CONFIG`` (a file), or
``OPENLINEAGE__TRANSPORT__TYPE`` and what that type needs. One that is broken costs a line of warning, never the task.

A task is a run of the job ``<task>``; its audit is a run of ``<task>.audit``, since OpenLineage hangs findings on what is read. Both have
the scheduler's run as parent. Run ids are made of the scheduler's: whoever knows a run of Airflow knows its events.
"""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from jobs.catalog import REFINE, RELEASE, TASKS
from jobs.contract import Table
from jobs.release.record import ReleaseKey
from jobs.release.releases import read
from jobs.tables import contract_of

if TYPE_CHECKING:
    from jobs.context import Context

LOG = logging.getLogger("tradewind")

SWITCHES = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT")
"""Variables (the last one, and whatever begins with it) that name a transport."""

SEVERITIES = {"critical": "error", "warning": "warn"}
"""Ours -> what OpenLineage calls them."""


@dataclass(frozen=True)
class Dataset:
    """One dataset of an event. ``version`` is a snapshot id, a release id or a model version; ``rows`` those of the replaced partitions.

    ``is_published`` is False for a table that was staged and audited, and that nobody got to see.
    """

    namespace: str
    name: str
    version: str | None = None
    table: Table | None = None
    rows: int | None = None
    findings: tuple[Mapping[str, Any], ...] = ()
    is_published: bool = True


@dataclass(frozen=True)
class RunOfTask:
    """Who speaks: the task's job and run, and the scheduler's run above it."""

    namespace: str
    job: str
    doc: str
    run_id: str
    parent_job: str
    parent_run_id: str
    start: date
    end: date
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def audit(self) -> "RunOfTask":
        """The run of the task's audit, a sibling of the task's own."""
        doc = f"What {self.job} wrote, held against its suites before it is published."
        return replace(self, job=f"{self.job}.audit", doc=doc, run_id=str(uuid5(NAMESPACE_URL, f"{self.run_id}/audit")))


def is_configured(environ: Mapping[str, str]) -> bool:
    """Whether the environment names a transport and does not forbid to use it.

    >>> is_configured({"OPENLINEAGE_URL": "http://127.0.0.1:5000"}), is_configured({}), is_configured({"OPENLINEAGE_URL": ""})
    (True, False, False)
    """
    if environ.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
        return False
    return any(value for name, value in environ.items() if name in SWITCHES or name.startswith(f"{SWITCHES[-1]}__"))


def run_of_task(context: "Context", names: Sequence[str]) -> RunOfTask:
    """The identity of a task's run: the same for the same shop, scheduler's run, task and attempt."""
    task = next((task for task in TASKS.values() if task.tables == tuple(names)), None)
    job, shop = task.name if task else "+".join(names), context.settings.shop
    parent = "refine" if task in REFINE else "release" if task in RELEASE else job
    return RunOfTask(
        namespace=f"tradewind.{shop}",
        job=job,
        doc=task.doc if task else "Builds " + ", ".join(names) + ".",
        run_id=str(uuid5(NAMESPACE_URL, f"tradewind/{shop}/{context.run_id}/{job}/{context.attempt}")),
        parent_job=parent,
        parent_run_id=str(uuid5(NAMESPACE_URL, f"tradewind/{shop}/{context.run_id}")),
        start=context.interval.start,
        end=context.interval.end,
        tags={"airflow_run_id": context.run_id, "attempt": str(context.attempt), "code_version": context.code_version},
    )


class Lineage:
    """What one attempt tells; does nothing where no transport is named."""

    def __init__(self, context: "Context") -> None:
        self._context = context
        self._events: Any = None
        self._written: dict[str, Dataset] = {}
        if is_configured(os.environ):
            with self._spared():
                if find_spec("openlineage") is None:
                    raise ModuleNotFoundError("a transport is named, but openlineage-python is not installed")
                from jobs.lineage_events import Events  # noqa: PLC0415  (imports the client, which only some deployments want)

                self._events = Events(f"urn:tradewind:jobs:{context.code_version}")

    @contextmanager
    def task(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Around a whole task: START, then COMPLETE with what was read and written, or FAIL with the error, which goes on.

        The block puts the task's outcome into the dict that it gets.
        """
        outcome: dict[str, Any] = {}
        if self._events is None:
            yield outcome
            return
        run = run_of_task(self._context, names)
        self._tell("START", run)
        try:
            yield outcome
        except Exception as error:
            self._end("FAIL", run, names, outcome, f"{type(error).__name__}: {error}")
            raise
        self._end("COMPLETE", run, names, outcome)

    def built(self, runs: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]]) -> None:
        """What the shell has recorded of the attempt's tables: rows of ``ops.runs`` and of ``ops.quality_results``."""
        if self._events is None:
            return
        with self._spared():
            self._written |= {one.name: one for one in written(self._lake, runs, findings)}

    # inside

    @property
    def _lake(self) -> str:
        """Namespace of the lake's tables: where it lies."""
        return f"s3://{self._context.settings.bucket}/warehouse"

    def _end(self, state: str, run: RunOfTask, names: Sequence[str], outcome: Mapping[str, Any], error: str | None = None) -> None:
        audited = [one for one in self._written.values() if one.findings]
        if audited:
            has_failed = any(not found["is_met"] and found["severity"] == "critical" for one in audited for found in one.findings)
            self._tell("START", run.audit)
            self._tell("FAIL" if has_failed else "COMPLETE", run.audit, audited)
        with self._spared():
            read_before = [one for one in (*self._inputs(names), *self._behind_release(outcome)) if one.name not in self._written]
            outputs = [*(one for one in self._written.values() if one.is_published), *self._works(outcome)]
            self._tell(state, run, list({(one.namespace, one.name): one for one in read_before}.values()), outputs, error)

    def _inputs(self, names: Sequence[str]) -> list[Dataset]:
        source, bucket = self._context.source.name, self._context.settings.bucket
        feeds = [name.removeprefix("bronze.") for name in names if name.startswith("bronze.")]
        landed = [Dataset(f"s3://{bucket}", f"landing/{source}/{feed}") for feed in feeds if self._context.source.has_feed(feed)]
        taken = self._context.lake.taken
        return landed + [
            Dataset(self._lake, name, str(snapshot_id), contract_of(name))
            for name, snapshot_id in sorted(taken.items())
            if not name.startswith("ops.")
        ]

    def _works(self, outcome: Mapping[str, Any]) -> list[Dataset]:
        """What was made besides tables: models in the registry, exports."""
        settings, made = self._context.settings, []
        for name, result in outcome.items():
            if name.startswith("model.") and result.get("champion_version"):
                model = f"{settings.shop}.{name.split('.')[1]}"
                made.append(Dataset(f"mlflow://{settings.shop}", model, str(result["champion_version"])))
        release = outcome.get("ops.releases", {})
        for name, rows in release.get("rows", {}).items():
            made.append(Dataset(f"s3://{settings.bucket_of_exports}", f"exports/{name}", release["release"], rows=rows))
        return made

    def _behind_release(self, outcome: Mapping[str, Any]) -> list[Dataset]:
        release_id = outcome.get("ops.releases", {}).get("release")
        if release_id is None:
            return []
        content = read(self._context.store, ReleaseKey.parse(release_id)).content
        return [Dataset(self._lake, name, str(one), contract_of(name)) for name, one in sorted(content.snapshots().items())]

    def _tell(
        self, state: str, run: RunOfTask, inputs: Sequence[Dataset] = (), outputs: Sequence[Dataset] = (), error: str | None = None
    ) -> None:
        with self._spared():
            if self._events is not None:
                self._events.send(state, run, inputs, outputs, error)

    @contextmanager
    def _spared(self) -> Iterator[None]:
        """Whatever goes wrong in here is told once and costs the task nothing."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  (a transport may raise anything, and lineage is never worth a day's run)
            LOG.warning("OpenLineage: %s: %s; this task goes on without telling", type(error).__name__, error)
            self._events = None


def written(namespace: str, runs: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]]) -> list[Dataset]:
    """One dataset a table that was staged, with its audit's findings."""
    found = []
    for run in runs:
        name, published = run["table_name"], run["snapshot_id"]
        mine = tuple(finding for finding in findings if finding["table_name"] == name)
        audited = mine[0]["snapshot_id"] if mine else None
        version = published if published is not None else audited
        if version is not None:
            found.append(
                Dataset(namespace, name, str(version), contract_of(name), run["rows_written"], mine, is_published=published is not None)
            )
    return found


def midnight(day: date) -> str:
    """The instant that begins a UTC day, as events have it.

    >>> midnight(date(2026, 6, 30))
    '2026-06-30T00:00:00+00:00'
    """
    return datetime.combine(day, time(), tzinfo=UTC).isoformat()
