"""A run of the harness, and its table of kinds and outcomes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import SparkSession

from tests.mutations.deliveries import ROUTES, deliver, mutants
from tests.mutations.verdicts import Verdict, verdicts

OUTCOMES = ("kept", "quarantined", "refused", "broken")


@dataclass(frozen=True)
class Report:
    """The verdicts of a run and the problems of all mutants together."""

    verdicts: tuple[Verdict, ...]
    problems: tuple[str, ...]

    @property
    def broken(self) -> list[str]:
        """Every promise that did not hold, in words."""
        return [*self.problems, *[str(verdict) for verdict in self.verdicts if verdict.broken]]

    def rows(self) -> list[tuple[str, Counter[str], Counter[str]]]:
        """Kind, deliveries by outcome, reasons; a mutant of two kinds counts as ``two kinds at once``."""
        outcomes: dict[str, Counter[str]] = {}
        reasons: dict[str, Counter[str]] = {}
        for verdict in self.verdicts:
            kinds = verdict.delivery.mutant.kinds
            name = kinds[0] if len(kinds) == 1 else "two kinds at once"
            outcomes.setdefault(name, Counter())["broken" if verdict.broken else verdict.outcome] += 1
            reasons.setdefault(name, Counter()).update(verdict.reasons)
        return [(name, outcomes[name], reasons[name]) for name in sorted(outcomes, key=lambda name: (name == "two kinds at once", name))]


def run(spark: SparkSession, count: int, seed: int, *, is_thorough: bool) -> Report:
    """Bring ``count`` mutants in on both routes and judge them; a thorough run builds more."""
    with TemporaryDirectory(prefix="tradewind-mutations-") as place:
        collected, scratch = Path(place) / "collected", Path(place) / "scratch"
        deliveries = [deliver(mutant, route, collected, scratch) for mutant in mutants(count, seed) for route in ROUTES]
        done, problems = verdicts(spark, deliveries, collected, is_thorough=is_thorough)
        return Report(tuple(done), tuple(problems))


def as_text(rows: Sequence[tuple[str, Counter[str], Counter[str]]]) -> str:
    """The table, one line a kind and the sums below."""
    lines = [f"{'kind':40}" + "".join(f"{outcome:>12}" for outcome in OUTCOMES) + "  reasons"]
    total: Counter[str] = Counter()
    for name, outcomes, reasons in rows:
        total.update(outcomes)
        common = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common(4))
        lines.append(f"{name:40}" + "".join(f"{outcomes[outcome]:>12,}" for outcome in OUTCOMES) + f"  {common}")
    lines.append(f"{'all deliveries':40}" + "".join(f"{total[outcome]:>12,}" for outcome in OUTCOMES))
    return "\n".join(lines)
