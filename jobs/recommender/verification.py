"""A training done once more, from the snapshots that it read, and compared with what it left: does it give the same?"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from matplotlib.figure import Figure

from jobs import tracking
from jobs.context import Context
from jobs.errors import BadDataError
from jobs.estimate import Estimate
from jobs.recommender import champion, training
from jobs.recommender.cut import cut
from jobs.recommender.house_rules import HouseRules
from jobs.recommender.selection import Search, Verdict, judge
from jobs.tracking import NO_VERSION, RIVAL, Recorded, Run

TOLERANCE = 1e-9
"""Relative difference up to which two figures are the same: the way through JSON and a database."""


@dataclass(frozen=True)
class Verified:
    """What was compared and what differs, in words; no ``differences``: the training gives the same again."""

    run_id: str
    fingerprint: str | None
    metrics: int
    differences: tuple[str, ...]


@dataclass(frozen=True)
class Unlogged(Run):
    """A run that nobody keeps."""

    def log_params(self, params: Mapping[str, object]) -> None:
        """As ``Run.log_params``, into nothing."""

    def log_metrics(self, metrics: Mapping[str, Estimate | float], step: int = 0) -> None:
        """As ``Run.log_metrics``, into nothing."""

    def tag(self, tags: Mapping[str, str]) -> None:
        """As ``Run.tag``, into nothing."""

    def log_figure(self, figure: Figure, name: str) -> None:
        """As ``Run.log_figure``, into nothing."""

    def log_text(self, text: str, path: str) -> None:
        """As ``Run.log_text``, into nothing."""

    @contextmanager
    def child(self, name: str) -> Iterator[Run]:  # noqa: ARG002  (nobody reads the name)
        """Itself."""
        yield self


def verify(context: Context, run_id: str) -> Verified:
    """Train again on the snapshots of ``run_id`` and compare model and figures; nothing is registered and nothing is logged.

    Raises BadDataError when the run is no training of the recommender, or a snapshot that it read has been expired.
    """
    tracker = tracking.connect(context.settings)
    left = tracker.recorded(run_id)
    missing = [name for name in ("as_of_date", "window_start", "fingerprint", "trials") if name not in left.tags]
    if missing or not left.snapshots:
        found = f"no {', '.join(missing) or 'inputs'}"
        raise BadDataError(f"run {run_id}", expected="a training of the recommender", found=found, advice="Name another run.")
    day, first_day = (date.fromisoformat(left.tags[name]) for name in ("as_of_date", "window_start"))
    rival = left.tags.get(RIVAL, NO_VERSION)
    serving = champion.load(context, rival) if rival != NO_VERSION else None
    rules = HouseRules.model_validate_json(left.tags.get(training.HOUSE_RULES, "{}"))
    inputs, tried = training.inputs_of(context, left.snapshots, day, rules), Search(trials=int(left.tags["trials"]))
    verdict = judge(Unlogged("", ""), inputs, cut(first_day, day), serving, tried)
    return Verified(run_id, verdict.fingerprint, len(verdict.metrics), tuple(differences(left, verdict)))


def differences(left: Recorded, verdict: Verdict) -> list[str]:
    """What a training left and what the same gives again, where they differ."""
    found = []
    again = verdict.fingerprint or NO_VERSION
    if left.tags["fingerprint"] != again:
        found.append(f"the model that sat the test: fingerprint {left.tags['fingerprint'][:16]} then, {again[:16]} now")
    for name, value in verdict.metrics.items():
        then = left.metrics.get(name)
        if then is None or not math.isclose(then, value, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            found.append(f"{name}: {then} then, {value} now")
    return found
