"""The releases in the object store: created, never changed; the one with the greatest key is current.

Two publishers cannot export under one id: a number is reserved by creating an object before anything is exported, and the release is
committed by creating another one last. A number that was reserved and never committed stays unused; the exports below it are seen by
nobody and swept.
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from jobs.errors import BadDataError, LostRaceError
from jobs.release.record import LATEST, RELEASES, Release, ReleaseKey
from jobs.store import Store

_MOST_NUMBERS = 999_999


def committed(store: Store) -> list[ReleaseKey]:
    """The keys of all releases, oldest first."""
    return sorted(key for entry in store.list(RELEASES) if (key := ReleaseKey.of_object(entry.key)) is not None)


def read(store: Store, key: ReleaseKey) -> Release:
    """One release; raises BadDataError when there is none of that id."""
    content = store.read(key.object_key)
    if content is None:
        raise BadDataError(
            f"release {key.id}",
            expected=f"an object {key.object_key}",
            found="none",
            advice="`python -m jobs.release list` shows what there is.",
        )
    return Release.model_validate_json(content)


def read_all(store: Store) -> list[Release]:
    """Every release, oldest first."""
    return [read(store, key) for key in committed(store)]


def current(store: Store) -> Release | None:
    """The release that readers see; None before the first."""
    keys = committed(store)
    return read(store, keys[-1]) if keys else None


def named(store: Store, release_id: str | None) -> Release:
    """The release of an id, or the current one; raises BadDataError when there is none, ValueError for what is no id."""
    if release_id is not None:
        return read(store, ReleaseKey.parse(release_id))
    release = current(store)
    if release is None:
        raise BadDataError("releases", expected="at least one release", found="none", advice="Run release_daily first.")
    return release


def reserve(store: Store, day: date, who: Mapping[str, Any]) -> ReleaseKey:
    """Take the next free number of a day; ``who`` is written down. Of two callers each gets a number of its own."""
    taken = [key.sequence for key in committed(store) if key.day == day]
    reserved = [int(name[:6]) for entry in store.list(f"reservations/{day}/") if (name := entry.key.rpartition("/")[2])[:6].isdigit()]
    for sequence in range(max([*taken, *reserved], default=0) + 1, _MOST_NUMBERS + 1):
        key = ReleaseKey(day, sequence)
        if store.create(key.reservation_key, json.dumps({"release": key.id, **who}, sort_keys=True).encode()):
            return key
    raise BadDataError(f"releases of {day}", expected=f"fewer than {_MOST_NUMBERS}", found="all taken", advice="Publish under another day.")


def commit(store: Store, release: Release) -> bool:
    """Create the release's object, then the copy for people; returns whether the release is now the current one.

    Raises LostRaceError when the number is taken, which a reserved one never is.
    """
    if not store.create(release.key.object_key, release.as_json().encode()):
        raise LostRaceError(
            f"release {release.id}",
            expected="a number that nobody has used",
            found="a committed release",
            advice="The next attempt takes another.",
        )
    newest = named(store, None)
    store.write(LATEST, newest.as_json().encode())
    return newest.id == release.id
