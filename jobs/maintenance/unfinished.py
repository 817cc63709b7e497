"""Objects outside of the tables that nobody finished: exports and reservations without a release, uploads that were cut off."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from jobs.landing import is_upload_in_flight
from jobs.maintenance.going import Going
from jobs.release.record import ReleaseKey
from jobs.release.releases import committed
from jobs.release.sweep import DAY, leftovers
from jobs.store import Store, StoredObject

PART = "unfinished"
RESERVATIONS = "reservations/"
UPLOADS = ("landing/", "exports/")


def plan(store: Store, now: datetime, upload_age: timedelta) -> list[Going]:
    """Exports of no release, reservations that can no longer be needed, uploads without an end."""
    found = []
    for leftover in leftovers(store, now=now):
        reason = "the release was never committed"
        found.append(Going(PART, f"exports of {leftover.release_id}", "object", leftover.keys, reason, leftover.bytes))
    spent = spent_reservations(store.list(RESERVATIONS), committed(store), now - DAY)
    if spent:
        names, size = tuple(entry.key for entry in spent), sum(entry.size for entry in spent)
        found.append(Going(PART, RESERVATIONS, "object", names, "never committed, and a later number of the day was", size))
    for prefix in UPLOADS:
        cut = [one for one in store.list(prefix) if is_upload_in_flight(one.key) and one.written_at < now - upload_age]
        if cut:
            names, size = tuple(one.key for one in cut), sum(one.size for one in cut)
            found.append(Going(PART, prefix, "object", names, f"uploads without an end for {upload_age.days} days", size))
    return found


def spent_reservations(reserved: Iterable[StoredObject], releases: Sequence[ReleaseKey], older_than: datetime) -> list[StoredObject]:
    """Reservations without a release whose day has a greater one.

    The greatest number of a day stays reserved for ever: without it the next publisher would take a number that a dead one has exported
    under.
    """
    greatest = {key.day: key.sequence for key in sorted(releases)}
    found = []
    for entry in reserved:
        key = ReleaseKey.of_object(entry.key.replace(RESERVATIONS, "releases/", 1))
        if key and key not in releases and key.sequence < greatest.get(key.day, 0) and entry.written_at < older_than:
            found.append(entry)
    return found


def publishing(store: Store, older_than: datetime) -> set[str]:
    """Ids of the numbers that were reserved since ``older_than``: their publishers may be at work."""
    young = set()
    for entry in store.list(RESERVATIONS):
        key = ReleaseKey.of_object(entry.key.replace(RESERVATIONS, "releases/", 1))
        content = store.read(entry.key) if key else None
        if key and content and datetime.fromisoformat(json.loads(content)["created_at"]) >= older_than:
            young.add(key.id)
    return young


def execute(store: Store, plan: Sequence[Going]) -> None:
    """Delete the planned objects; one that is gone already is no error."""
    for going in plan:
        store.delete(going.names)
