"""What is exported: which gold table, under which version of its schema, in files of which size."""

from dataclasses import dataclass

from jobs.contract import Column, Table
from jobs.tables import contract_of


@dataclass(frozen=True)
class Export:
    """One export of a gold table's day.

    ``version`` stays while columns are only added and changes with anything else. ``rows_per_file`` is a target: rows are dealt to
    files by a hash, so that a file holds about as many.
    """

    name: str
    table: Table
    version: int = 1
    rows_per_file: int = 500_000

    @property
    def columns(self) -> tuple[Column, ...]:
        """What readers get: the contract's columns without those whose name begins with an underscore."""
        return tuple(column for column in self.table.columns if not column.name.startswith("_"))

    @property
    def spread_by(self) -> str:
        """The key column that decides a row's file: the first that is not the day, so that a user's rows lie together."""
        candidates = [name for name in self.table.key if name != self.table.partitioned_by]
        return candidates[0] if candidates else self.table.key[0]

    def prefix(self, release_id: str) -> str:
        """The folder of one release of this export, ending in a slash."""
        return f"exports/{self.name}/schema=v{self.version}/release={release_id}/"


VERSIONS = {
    "user_segments": 1,
    "segment_profiles": 1,
    "membership_changes": 1,
    "user_tags": 1,
    "tag_sizes": 1,
    "recommendations": 1,
    "activations": 1,
}
"""Export name -> version of its schema; each is the gold table of the same name. Frozen in ``docs/contracts/<name>.v<version>.json``."""


def exports() -> tuple[Export, ...]:
    """All exports, in the order in which a release writes them."""
    return tuple(Export(name, contract_of(f"gold.{name}"), version) for name, version in VERSIONS.items())
