"""Back to the champion of before, in one step and with a written reason."""

from dataclasses import dataclass

from jobs.errors import BadDataError
from jobs.tracking import NO_VERSION, PREVIOUS, Tracker


@dataclass(frozen=True)
class Step:
    """From which version to which a roll-back went; None for ``back_to`` says that the fallback of the family serves."""

    family: str
    stopped: str
    back_to: str | None
    reason: str


def roll_back(tracker: Tracker, family: str, why: str, to: str | None = None) -> Step:
    """Let the version serve that the champion took over from, or ``to``; the next release uses it, releases that are out stay as they are.

    Raises BadDataError when nothing serves, or ``to`` serves already.
    """
    serving = tracker.champion(family)
    if serving is None:
        raise BadDataError(tracker.name(family), expected="a champion to roll back from", found="none", advice="There is nothing to do.")
    target = to or serving.tags.get(PREVIOUS, NO_VERSION)
    if target == serving.version:
        serves = f"version {target} serves already"
        raise BadDataError(tracker.name(family), expected="another version than the champion", found=serves, advice="Name another: --to.")
    if target == NO_VERSION:
        tracker.no_champion(family, why)
        return Step(family, serving.version, None, f"Rolled back from version {serving.version} to the fallback: {why}")
    found = tracker.trained(family, target)
    if found is None:
        raise BadDataError(tracker.name(family), expected=f"a version {target}", found="none", advice="MLflow lists the versions.")
    reason = f"Rolled back from version {serving.version} to version {target}: {why}"
    earlier = found.version.tags.get(PREVIOUS, NO_VERSION)  # a second roll-back goes further back, not to and fro
    tracker.set_champion(family, target, reason, previous=earlier)
    return Step(family, serving.version, target, reason)
