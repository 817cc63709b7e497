"""Whether all set-ups have made the same, and how that is shown."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table

Hashes = Mapping[str, str]
"""Table, factors or lists -> ``<count>-<hex>``."""

SHOWN = 8
"""Characters of a hash that are shown."""


@dataclass(frozen=True)
class Comparison:
    """What each set-up, by its title, has made; the first one has made everything."""

    found: Mapping[str, Hashes]

    @property
    def rows(self) -> list[str]:
        """Everything that was made, in the order of the first set-up."""
        return list(dict.fromkeys(row for hashes in self.found.values() for row in hashes))

    def of(self, row: str) -> dict[str, str]:
        """Title -> what that set-up has made of it."""
        return {title: hashes[row] for title, hashes in self.found.items() if row in hashes}

    @property
    def differing(self) -> list[str]:
        """Rows of which two set-ups have made different things."""
        return [row for row in self.rows if len(set(self.of(row).values())) > 1]

    @property
    def vacuous(self) -> list[str]:
        """Rows that say nothing: made once only, or without anything in them where something should be."""
        return [row for row in self.rows if len(self.of(row)) == 1 or (_is_expected(row) and self._is_empty(row))]

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs, and all of it says something."""
        return bool(self.rows) and not self.differing and not self.vacuous

    def _is_empty(self, row: str) -> bool:
        return all(value.startswith("0-") for value in self.of(row).values())

    def cells(self, row: str) -> list[str]:
        """A row as it is shown: how many, then a hash a set-up, with a mark where it is not that of the first."""
        made = self.of(row)
        first = next(iter(made.values()))
        shown = [made.get(title, "") for title in self.found]
        marked = [f"{value.partition('-')[2][:SHOWN]}{'' if value in {first, ''} else ' ≠'}" for value in shown]
        return [row, f"{int(first.partition('-')[0]):,}", *marked]


def _is_expected(row: str) -> bool:
    return not row.endswith("_rejected")


def table(found: Comparison) -> Table:
    """For the terminal."""
    shown = Table(title="content hashes")
    for heading in ("", "rows", *found.found):
        shown.add_column(heading, justify="right" if heading == "rows" else "left")
    for row in found.rows:
        shown.add_row(*found.cells(row), style="red" if row in {*found.differing, *found.vacuous} else None)
    return shown


def summary(found: Comparison) -> str:
    """What counts, a line each."""
    lines = [f"{len(found.rows) - len(found.differing)} of {len(found.rows)} are the same in every set-up that has made them"]
    lines += [f"differs: {row}" for row in found.differing]
    lines += [f"says nothing, empty or made once: {row}" for row in found.vacuous]
    return "\n".join(lines)


def as_markdown(found: Comparison, command: str) -> str:
    """The same for ``benchmarks/``."""
    headings = ["", "rows", *found.found]
    ruler = ["---", "--:", *["---"] * len(found.found)]
    rows = [f"| {' | '.join(cells)} |" for cells in (headings, ruler, *map(found.cells, found.rows))]
    return "\n".join(["# Cluster check", "", f"`{command}`", "", *rows, "", *(f"- {line}" for line in summary(found).splitlines()), ""])
