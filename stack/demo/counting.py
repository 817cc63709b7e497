"""Rows read, kept, rejected and merged, summed over the runs that loaded them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class RowCounts:
    """Rows of one table: read = kept + rejected + merged; a rejected row may have several reasons."""

    read: int = 0
    kept: int = 0
    rejected: int = 0
    merged: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def adds_up(self) -> bool:
        """Whether no row has vanished."""
        return self.read == self.kept + self.rejected + self.merged


def summed(results: Iterable[Mapping[str, Any] | None]) -> dict[str, RowCounts]:
    """The counts by table, over what several tasks have handed on; tables without counts are left out.

    >>> summed([{"tables": {"silver.events": {"read": 3, "kept": 2, "rejected": 1, "merged": 0, "reasons": {"late": 1}}}}, None])
    {'silver.events': RowCounts(read=3, kept=2, rejected=1, merged=0, reasons=Counter({'late': 1}))}
    """
    total: dict[str, RowCounts] = {}
    for result in results:
        for name, outcome in (result or {}).get("tables", {}).items():
            if "read" not in outcome:
                continue
            counts = total.setdefault(name, RowCounts())
            counts.read += outcome["read"]
            counts.kept += outcome["kept"]
            counts.rejected += outcome["rejected"]
            counts.merged += outcome["merged"]
            counts.reasons.update(outcome.get("reasons", {}))
    return total
