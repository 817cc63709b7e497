"""What would go, or went: the plan of each part of the maintenance, and the plan for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table


@dataclass(frozen=True)
class Going:
    """One line of a plan: what goes of one table or folder, exactly, and why.

    ``names`` are the very things that the execution takes: branches, tags, snapshot ids, object keys, partitions. ``bytes`` is what they
    take up (for snapshots at most: a file that a kept snapshot shares stays); None where nothing is freed.
    """

    part: str
    subject: str
    kind: str
    names: tuple[str, ...]
    reason: str
    bytes: int | None = None

    @property
    def count(self) -> int:
        """How many things go."""
        return len(self.names)


@dataclass(frozen=True)
class Done:
    """A part that has been planned and, unless it was a dry run, executed; ``freed`` are the bytes that are gone from the object store."""

    part: str
    plan: tuple[Going, ...]
    freed: int | None


def as_result(done: Sequence[Done]) -> dict[str, Any]:
    """The outcome by part, small enough for an XCom: names stay in the log."""
    return {
        part.part: {
            "things": sum(going.count for going in part.plan),
            "bytes_planned": sum(going.bytes or 0 for going in part.plan),
            **({} if part.freed is None else {"bytes_freed": part.freed}),
            "by_subject": {f"{going.subject}: {going.kind}": going.count for going in part.plan},
        }
        for part in done
    }


def as_table(done: Sequence[Done], *, dry_run: bool) -> Table:
    """One line a thing that goes, and the sum of each part."""
    title = "Dry run: this would go, nothing has" if dry_run else "This went"
    table = Table("part", "what", "kind", "count", "bytes", "why", title=title)
    for part in done:
        for going in part.plan:
            size = "" if going.bytes is None else f"{going.bytes:,}"
            table.add_row(going.part, going.subject, going.kind, f"{going.count:,}", size, going.reason)
        if not part.plan:
            table.add_row(part.part, "nothing", "", "0", "", "")
        elif part.freed is not None:
            table.add_row(part.part, "freed", "", "", f"{part.freed:,}", "", end_section=True)
    return table
