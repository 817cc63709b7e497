"""Releases are created once, and the greatest key is current."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from jobs.errors import BadDataError, LostRaceError
from jobs.release.record import LATEST, Release
from jobs.release.releases import commit, committed, current, named, reserve
from jobs.store import Store

MakeRelease = Callable[..., Release]
DAY = date(2026, 6, 30)


def test_before_the_first_release_there_is_no_current_one(store: Store) -> None:
    assert current(store) is None
    with pytest.raises(BadDataError, match="Run release_daily first"):
        named(store, None)


def test_a_replayed_old_day_never_hides_a_newer_one(store: Store, make_release: MakeRelease) -> None:
    assert commit(store, make_release("2026-06-30-000001"))
    assert not commit(store, make_release("2026-06-29-000007"))
    assert named(store, None).id == "2026-06-30-000001"
    assert Release.model_validate_json(store.read(LATEST) or b"").id == "2026-06-30-000001"


def test_a_committed_release_is_never_replaced(store: Store, make_release: MakeRelease) -> None:
    commit(store, make_release("2026-06-30-000001", rows=3))
    with pytest.raises(LostRaceError, match="a number that nobody has used"):
        commit(store, make_release("2026-06-30-000001", rows=4))
    assert named(store, "2026-06-30-000001").content.exports["user_segments"]["rows"] == 3


def test_publishers_at_the_same_moment_get_numbers_of_their_own(store: Store) -> None:
    with ThreadPoolExecutor(8) as publishers:
        keys = list(publishers.map(lambda run: reserve(store, DAY, {"run_id": run}), range(8)))
    assert sorted(key.sequence for key in keys) == list(range(1, 9))


def test_a_number_whose_publisher_died_is_not_used_again(store: Store, make_release: MakeRelease) -> None:
    dead = reserve(store, DAY, {"run_id": "dead"})
    alive = reserve(store, DAY, {"run_id": "alive"})
    commit(store, make_release(alive.id))
    assert (dead.sequence, alive.sequence) == (1, 2)
    assert [key.id for key in committed(store)] == ["2026-06-30-000002"]


def test_an_upload_in_flight_is_no_release(store: Store, make_release: MakeRelease) -> None:
    commit(store, make_release("2026-06-30-000001"))
    store.write("releases/2026-06-30/000009.json-0f8e", b"half")
    assert named(store, None).id == "2026-06-30-000001"


def test_a_snapshot_id_beyond_2_to_the_53_survives_the_json(store: Store, make_release: MakeRelease) -> None:
    commit(store, make_release("2026-06-30-000001"))
    assert named(store, None).content.snapshots()["silver.events"] == 1152921504606846977
