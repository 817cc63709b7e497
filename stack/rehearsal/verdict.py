"""Whether a rehearsal has harmed anything: hashes, counts, releases; and how it is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rich.table import Table

from jobs.content_hash import content_hash
from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.landing import read_marker
from jobs.release.record import Release
from jobs.session import spark_session
from jobs.settings import Settings
from jobs.store import Store
from jobs.tables import contract_of, contracts
from stack.rehearsal.legs import Kill
from stack.services import Stack

PARSED = {
    "events": "silver.events",
    "orders": "silver.order_lines",
    "items": "silver.item_observations",
    "stock": "silver.stock",
    "consents": "silver.consent_decisions",
    "contacts": "silver.contact_observations",
}
"""Feed of a native shop -> the table that accounts for its lines."""

HEADINGS = ("kill", "at", "day", "moment", "victim", "outcome", "seconds")
FIGURES = {"kill", "at", "seconds"}


@dataclass(frozen=True)
class Verdict:
    """What a rehearsal found. ``before`` and ``undisturbed`` are content hashes by table; ``unaccounted``: 0 for a feed without a loss."""

    kills: Sequence[Kill]
    cleared: int
    before: Mapping[str, str]
    undisturbed: Mapping[str, str]
    releases: tuple[Mapping[str, str], Mapping[str, str]]
    unaccounted: Mapping[str, int]
    mixed: Sequence[str]
    releases_read: int
    seconds: float

    @property
    def differing(self) -> list[str]:
        """Tables whose content is not what an undisturbed run makes."""
        return [name for name, digest in self.undisturbed.items() if self.before.get(name) != digest]

    @property
    def differing_releases(self) -> list[str]:
        """Parts of the last day's release that an undisturbed run makes otherwise."""
        disturbed, undisturbed = self.releases
        return [name for name, digest in undisturbed.items() if disturbed.get(name) != digest]

    @property
    def lost(self) -> int:
        """Lines that landed and are neither kept, merged nor rejected."""
        return sum(count for count in self.unaccounted.values() if count > 0)

    @property
    def doubled(self) -> int:
        """Lines in silver that never landed."""
        return -sum(count for count in self.unaccounted.values() if count < 0)

    @property
    def is_unharmed(self) -> bool:
        """Whether nothing differs, nothing is lost or doubled, and no reader met a mixed release."""
        return not (self.differing or self.differing_releases or self.lost or self.doubled or self.mixed)


@dataclass(frozen=True)
class LakeReader:
    """The shop's lake, read from here."""

    spark: SparkSession
    nobody: Attempt

    @property
    def lake(self) -> Lake:
        """The tables as they are now: a lake remembers what it has seen."""
        return Lake(self.spark, self.nobody)

    @classmethod
    def open(cls, stack: Stack) -> "LakeReader":
        """A session on the stack's services."""
        settings = Settings.from_environment({"TRADEWIND_ENV_FILE": str(stack.env_file)})
        spark = spark_session(settings, "rehearsal")
        nobody = Attempt(run_id="look", attempt=1, interval=Interval.parse("2000-01-01", "2000-01-02"), code_version="rehearsal")
        return cls(spark, nobody)

    def hashes(self) -> dict[str, str]:
        """Content hash of every bronze, silver and gold table."""
        return {name: content_hash(self.lake.read(table), table) for name, table in contracts("bronze", "silver", "gold").items()}

    def empty(self) -> None:
        """Take every table out of the catalog: what is made next starts from nothing. Earlier days must not know what landed after them."""
        for namespace in ("bronze", "silver", "gold", "ops"):
            for row in self.spark.sql(f"SHOW TABLES IN lake.{namespace}").collect():
                self.spark.sql(f"DROP TABLE lake.{namespace}.{row['tableName']}")

    def unaccounted(self, landed: Mapping[str, int]) -> dict[str, int]:
        """Feed -> lines that landed, less the deliveries and rejected lines in silver; 0 when every line is there once."""
        found = {}
        for feed, name in PARSED.items():
            kept = self.lake.read(contract_of(name)).agg(F.coalesce(F.sum("delivery_count"), F.lit(0)).alias("rows")).first()
            rejected = self.lake.read(contract_of(f"{name}_rejected")).count()
            found[feed] = landed[feed] - int(kept["rows"] if kept else 0) - rejected
        return found


def marked_rows(store: Store, source: str, feeds: Sequence[str], days: Sequence[date]) -> dict[str, int]:
    """Feed -> rows that the markers of the days name."""
    return {feed: sum(read_marker(store, source, feed, day).rows for day in days) for feed in feeds}


def content_hashes(release: Release) -> dict[str, str]:
    """Table or export -> content hash, as a release records them."""
    content = release.content
    tables = {name: version.content_hash for name, version in {**content.set.tables, **content.tables}.items()}
    return tables | {f"export {name}": str(export["content_hash"]) for name, export in content.exports.items()}


def _cells(kill: Kill) -> tuple[str, ...]:
    return str(kill.number), f"{kill.at:.0f} s", str(kill.day), kill.moment, kill.victim, kill.outcome, f"{kill.seconds:.0f}"


def kills_table(found: Verdict) -> Table:
    """A row a kill."""
    table = Table(title="kills")
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading in FIGURES else "left")
    for kill in found.kills:
        table.add_row(*_cells(kill))
    return table


def summary(found: Verdict) -> str:
    """The figures that count, a line each."""
    seconds = [kill.seconds for kill in found.kills]
    recovery = f"median {median(seconds):.0f} s, longest {max(seconds):.0f} s" if seconds else "none"
    return "\n".join(
        [
            f"kills: {len(found.kills)}; recovery: {recovery}; tasks cleared by hand: {found.cleared}; {found.seconds:.0f} s in all",
            f"rows lost: {found.lost}, doubled: {found.doubled}",
            f"tables equal to an undisturbed run: {len(found.undisturbed) - len(found.differing)} of {len(found.undisturbed)}"
            + (f"; differing: {', '.join(found.differing)}" if found.differing else ""),
            f"parts of the last day's release that differ from an undisturbed one: {', '.join(found.differing_releases) or 'none'}",
            f"releases read while it went on: {found.releases_read}; mixed or half: {len(found.mixed)}",
            *found.mixed,
        ]
    )


def as_markdown(found: Verdict, command: str) -> str:
    """The table and the figures, for ``benchmarks/``."""
    rows = [f"| {' | '.join(_cells(kill))} |" for kill in found.kills]
    head = [f"| {' | '.join(HEADINGS)} |", f"| {' | '.join('---:' if heading in FIGURES else '---' for heading in HEADINGS)} |"]
    return "\n".join(["# Rehearsal", "", f"`{command}`", "", *(f"- {line}" for line in summary(found).splitlines()), "", *head, *rows, ""])
