"""One call: the shop's settings, its store, its registry and, once a question needs it, one Spark session."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from jobs import tracking
from jobs.context import code_version
from jobs.errors import BadDataError, TryAgainError
from jobs.release.record import Release
from jobs.session import spark_session
from jobs.settings import Settings
from jobs.store import Store
from jobs.trace import answers
from jobs.trace.answers import FamilyBehind
from jobs.trace.history import Snapshot
from jobs.trace.reading import Reader
from jobs.trace.tree import Node


@dataclass
class Call:
    """What the questions share. ``limit`` bounds what is shown of each kind of thing; totals are always said."""

    settings: Settings
    store: Store
    limit: int
    _snapshots: dict[str, dict[str, Snapshot]] = field(default_factory=dict)

    @cached_property
    def reader(self) -> Reader:
        """The lake; the session starts with the first question to it."""
        return Reader(spark_session(self.settings, "trace"), code_version())

    def snapshots(self, found: Release) -> dict[str, Snapshot]:
        """Table name -> snapshot, of everything that a release names and that has not been expired."""
        if found.id not in self._snapshots:
            self._snapshots[found.id] = self.reader.snapshots(found.content.snapshots())
        return self._snapshots[found.id]

    def require(self, found: Release, tables: Iterable[str]) -> None:
        """Raise BadDataError when the snapshot of one of ``tables`` that a release names has been expired."""
        gone = sorted(set(tables) & set(found.content.snapshots()) - set(self.snapshots(found)))
        if gone:
            raise BadDataError(
                f"release {found.id}",
                expected=f"the snapshots of {', '.join(gone)} that it names",
                found="that they have been expired",
                advice="Its rows cannot be read any more; `python -m jobs.release list` shows newer releases.",
            )

    def bronze_behind(self, snapshots: Mapping[str, Snapshot]) -> dict[str, int]:
        """The bronze snapshots that some tables were made of: read by them, or by the silver tables that they had read."""
        direct = _bronze_read(snapshots)
        if direct:
            return direct
        silver = {name: one for found in snapshots.values() for name, one in found.read.items() if name.startswith("silver.")}
        return _bronze_read(self.reader.snapshots(silver))

    def landed_files(self, snapshots: Mapping[str, Snapshot], day: date) -> Node:
        """The landed files behind some snapshots, up to a day."""
        bronze = self.bronze_behind(snapshots)
        files = self.reader.landed_files(bronze, day, self.limit)
        return answers.landed_files(files.shown, files.total, day, sorted(set(bronze) - set(self.reader.snapshots(bronze))))

    def family(self, family: str, recorded: Mapping[str, Any]) -> FamilyBehind:
        """What is known of the model of a family that a release records."""
        version = recorded.get("version")
        if not version:
            return FamilyBehind(family, recorded)
        decision = self.reader.decision(family, str(version))
        try:
            trained = tracking.connect(self.settings).trained(family, str(version))
        except TryAgainError:
            return FamilyBehind(family, recorded, None, decision, is_answered=False)
        return FamilyBehind(family, recorded, trained, decision)

    def families(self, found: Release, tables: Sequence[str]) -> list[FamilyBehind]:
        """The families whose models made one of ``tables`` in a release."""
        recorded = {family: model for family, model in found.content.models.items() if set(model.get("tables", [])) & set(tables)}
        return [self.family(family, model) for family, model in recorded.items()]


def _bronze_read(snapshots: Mapping[str, Snapshot]) -> dict[str, int]:
    """Bronze table -> the snapshot that the newest of these had read."""
    ordered = sorted(snapshots.values(), key=lambda one: (one.committed_at, one.table))
    return {name: snapshot_id for one in ordered for name, snapshot_id in one.read.items() if name.startswith("bronze.")}
