"""A person decides, in any family: the promotion of a version that a training has left waiting."""

import logging
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from jobs import tracking
from jobs.context import Context
from jobs.errors import BadDataError
from jobs.lake import Lake
from jobs.ops import decisions
from jobs.tracking import AWAITS_APPROVAL, NO_VERSION, RIVAL, ModelVersion, Tracker
from jobs.waiting import approved

LOG = logging.getLogger("tradewind")

SUFFIX = ".approved"
"""Ends the run id of an approval in ``ops.decisions``: a training and its approval are two decisions of one run of the scheduler."""


@dataclass(frozen=True)
class Approved:
    """The version that serves, and why; ``is_new`` is False when it did before."""

    version: ModelVersion
    reason: str
    is_new: bool


def promote(context: Context, family: str) -> dict[str, Any]:
    """Let serve what this run of the scheduler has trained and a person has approved; returns ``decision`` and ``champion_version``.

    A re-run is safe: an attempt that died is finished, and one after that says that there is nothing to do. Raises BadDataError when
    nothing of this run awaits approval, or another champion serves than the one that it was compared with.
    """
    tracker = tracking.connect(context.settings)
    found = approve(tracker, family, context.run_id)
    if found.is_new:
        # The tag goes last: an attempt that dies before is repeated in full.
        lake = Lake(context.spark, replace(context.lake.attempt, run_id=f"{context.run_id}{SUFFIX}"))
        version = found.version
        row = decisions.decision(
            family,
            date.fromisoformat(version.tags["as_of_date"]),
            candidate=version.version,
            champion=version.version,
            is_promoted=True,
            reason=found.reason,
            metrics=version.metrics,
        )
        lake.append_rows(decisions.DECISIONS, [row])
        tracker.no_longer_awaits(family, found.version)
    LOG.info("%s: %s", family, found.reason)
    return {"decision": found.reason, "champion_version": found.version.version}


def approve(tracker: Tracker, family: str, run_id: str) -> Approved:
    """Make champion what ``run_id``, a run of the scheduler, has trained last; raises as ``promote`` does."""
    found, serving = tracker.of_run(family, run_id), tracker.champion(family)
    is_serving = found is not None and serving is not None and serving.version == found.version
    if found is None or (AWAITS_APPROVAL not in found.tags and not is_serving):
        raise BadDataError(
            tracker.name(family),
            expected=f"a version of run {run_id} that awaits approval",
            found=f"version {found.version}, which does not" if found else "none",
            advice="Only a training that is held leaves one, and it waits once: train again.",
        )
    if AWAITS_APPROVAL not in found.tags:
        return Approved(found, f"Nothing to do: version {found.version} was approved before and serves.", is_new=False)
    rival, serves = tracker.recorded(found.run_id).tags[RIVAL], serving.version if serving else NO_VERSION
    if not is_serving and serves != rival:
        raise BadDataError(
            tracker.name(family),
            expected=f"the champion that version {found.version} was compared with, {rival}",
            found=f"champion {serves}",
            advice="The champion has changed since, so the report no longer holds: train again.",
        )
    reason = approved(found.tags[AWAITS_APPROVAL])
    tracker.set_champion(family, found.version, reason)
    return Approved(found, reason, is_new=True)


def question(candidate: str, name: str, day: date) -> str:
    """What a person is asked of version ``candidate`` of the registered model ``name``."""
    return f"Shall version {candidate} of {name} serve? It was trained on the set of {day}."
