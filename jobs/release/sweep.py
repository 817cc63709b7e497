"""Exports that no release names: what a publisher left behind that died before its commit."""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.release.record import ReleaseKey
from jobs.release.releases import committed, read_all
from jobs.store import Store

_RELEASE_FOLDER = re.compile(r"exports/[^/]+/schema=v\d+/release=([^/]+)/.+")
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Leftover:
    """The objects of one number that was reserved and never committed."""

    release_id: str
    keys: tuple[str, ...]
    bytes: int


def leftovers(store: Store, *, now: datetime, min_age: timedelta = DAY) -> list[Leftover]:
    """Exported objects of no committed release, whose number was reserved at least ``min_age`` ago; a younger one may still be at work."""
    shown = {key.id for key in committed(store)}
    prefixes = tuple(str(export["prefix"]) for release in read_all(store) for export in release.content.exports.values())
    found: dict[str, list[tuple[str, int]]] = {}
    for entry in store.list("exports/"):
        match = _RELEASE_FOLDER.fullmatch(entry.key)
        if match and match[1] not in shown and not entry.key.startswith(prefixes):
            found.setdefault(match[1], []).append((entry.key, entry.size))
    return [
        Leftover(release_id, tuple(key for key, _ in objects), sum(size for _, size in objects))
        for release_id, objects in sorted(found.items())
        if _age(store, release_id, now) >= min_age
    ]


def _age(store: Store, release_id: str, now: datetime) -> timedelta:
    reservation = store.read(ReleaseKey.parse(release_id).reservation_key)
    if reservation is None:
        return timedelta.max
    return now - datetime.fromisoformat(json.loads(reservation)["created_at"])
