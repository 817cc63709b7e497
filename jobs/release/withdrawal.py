"""Withdrawal: a new release that shows older content, because a committed one is never changed.

A wrong release may be shown by its own day and, through an earlier withdrawal, by a later one. Each such day gets a new greatest number
with the content of the newest ordinary release before the wrong one that has not been withdrawn. A day that has been published again
since keeps showing what it shows; it too gets a new number, which writes the withdrawal down.
"""

from collections.abc import Sequence
from datetime import date, datetime

from jobs.errors import BadDataError
from jobs.release.record import Release, ReleaseKey
from jobs.release.releases import commit, read_all, reserve
from jobs.store import Store


def withdraw(store: Store, release_id: str, *, reason: str, code_version: str, created_at: datetime) -> list[Release]:
    """Withdraw one release; returns the new releases, newest day first.

    Raises BadDataError when there is nothing to withdraw, nothing older to show, or the id is itself a withdrawal; ValueError for what is
    no id.
    """
    ReleaseKey.parse(release_id)
    new = []
    for day, shown in replacements(read_all(store), release_id).items():
        key = reserve(store, day, {"withdraws": release_id, "created_at": created_at.isoformat()})
        release = Release(
            id=key.id,
            day=day,
            sequence=key.sequence,
            run_id=f"withdraw-{release_id}",
            attempt=1,
            code_version=code_version,
            created_at=created_at,
            content_of=shown.origin,
            withdraws=release_id,
            reason=reason,
            content=shown.content,
        )
        commit(store, release)
        new.append(release)
    return new


def replacements(releases: Sequence[Release], release_id: str) -> dict[date, Release]:
    """Day -> the release whose content its new greatest number shall show, newest day first; raises BadDataError as ``withdraw`` does."""
    ordered = sorted(releases, key=lambda release: release.key)
    wrong = next((release for release in ordered if release.id == release_id), None)
    if wrong is None:
        raise _refusal(release_id, "a committed release", "none of that id", "`python -m jobs.release list` shows what there is.")
    if wrong.is_withdrawal:
        advice = f"Withdraw {wrong.origin}, whose content it shows, or publish the day again."
        raise _refusal(release_id, "an ordinary release", "a withdrawal", advice)
    greatest = {release.day: release for release in ordered}
    withdrawn = {release.withdraws for release in ordered if release.withdraws}
    showing = [day for day, release in greatest.items() if release.origin == release_id]
    if release_id in withdrawn and not showing:
        raise _refusal(release_id, "a release that is not withdrawn", "a withdrawal of it", "Nothing is left to do.")
    sound = [release for release in ordered if not release.is_withdrawal and release.id not in withdrawn and release.key < wrong.key]
    if showing and not sound:
        advice = "Publish the day again from a mended set; the new release hides this one."
        raise _refusal(release_id, "an older release to show instead", "none", advice)
    if not showing:
        return {wrong.day: greatest[wrong.day]}
    return dict.fromkeys(sorted({*showing}, reverse=True), sound[-1])


def _refusal(release_id: str, expected: str, found: str, advice: str) -> BadDataError:
    return BadDataError(f"withdrawal of {release_id}", expected=expected, found=found, advice=advice)
