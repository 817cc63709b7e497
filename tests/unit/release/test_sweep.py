"""Only what nobody was ever told of is swept."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from jobs.release.record import Release, ReleaseKey
from jobs.release.releases import commit
from jobs.release.sweep import leftovers
from jobs.store import Store

NOW = datetime(2026, 7, 3, tzinfo=UTC)


def export(store: Store, release_id: str, age: timedelta) -> None:
    """An exported object under a number that was reserved ``age`` ago."""
    store.write(ReleaseKey.parse(release_id).reservation_key, json.dumps({"created_at": (NOW - age).isoformat()}).encode())
    store.write(f"exports/cups/schema=v1/release={release_id}/csv/part-00000.csv", b"cup_id\r\n")


def test_exports_of_a_dead_publisher_are_found_and_those_of_a_release_or_a_live_publisher_are_not(
    store: Store, make_release: Callable[..., Release]
) -> None:
    export(store, "2026-06-30-000001", timedelta(days=3))
    export(store, "2026-06-30-000002", timedelta(days=3))
    export(store, "2026-06-30-000003", timedelta(hours=1))
    commit(store, make_release("2026-06-30-000002"))
    assert [(leftover.release_id, leftover.bytes) for leftover in leftovers(store, now=NOW)] == [("2026-06-30-000001", 8)]
