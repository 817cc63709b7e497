"""Which reservations, uploads and fits nobody needs any more."""

import os
from datetime import date, timedelta
from pathlib import Path

from jobs.maintenance.unfinished import abandoned_fits, abandoned_folders, spent_reservations
from jobs.release.record import ReleaseKey
from jobs.store import StoredObject
from tests.unit.maintenance.conftest import NOW

DAY = date(2026, 7, 1)


def reserved(sequence: int, days_ago: float = 9) -> StoredObject:
    return StoredObject(ReleaseKey(DAY, sequence).reservation_key, 10, NOW - timedelta(days=days_ago))


def spent(*entries: StoredObject, committed: tuple[int, ...]) -> list[int]:
    keys = [ReleaseKey(DAY, number) for number in committed]
    return [int(entry.key[-11:-5]) for entry in spent_reservations(entries, keys, NOW - timedelta(days=1))]


def test_a_number_that_a_later_one_has_passed_is_spent() -> None:
    assert spent(reserved(1), reserved(2), reserved(3), committed=(2, 3)) == [1]


def test_the_greatest_number_of_a_day_stays_reserved_so_that_it_is_never_taken_twice() -> None:
    assert spent(reserved(1), reserved(2), committed=(1,)) == []
    assert spent(reserved(1), committed=()) == []


def test_a_young_reservation_may_be_at_work() -> None:
    assert spent(reserved(1, days_ago=0.5), committed=(2,)) == []


def test_the_arrays_of_a_fit_go_together_a_day_after_the_last_of_them() -> None:
    def array(name: str, hours_ago: float) -> StoredObject:
        return StoredObject(f"scratch/als/{name}.npy", 10, NOW - timedelta(hours=hours_ago))

    arrays = [array("killed/rows", 60), array("killed/state-1", 30), array("at_work/rows", 60), array("at_work/state-1", 1)]
    [going] = abandoned_fits(arrays, NOW - timedelta(days=1))
    assert (going.subject, going.names, going.bytes) == ("scratch/als/killed/", tuple(one.key for one in arrays[:2]), 20)


def test_folders_of_fits_and_of_checkpoints_go_with_their_last_file(tmp_path: Path) -> None:
    old = (NOW - timedelta(days=3)).timestamp()
    for name in ("als/killed/rows.npy", "als/at_work/rows.npy", "als/at_work/state-1.npy", "checkpoints/ended/rdd-1/part-0", "events/kept"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"12345")
    for entry in [*tmp_path.rglob("*")]:
        os.utime(entry, (old, old))
    now = NOW.timestamp()
    os.utime(tmp_path / "als/at_work/state-1.npy", (now, now))
    found = abandoned_folders(tmp_path, NOW - timedelta(days=1))
    assert [going.subject for going in found] == ["als/killed", "checkpoints/ended"]
    assert [going.names for going in found] == [(str(tmp_path / "als/killed"),), (str(tmp_path / "checkpoints/ended"),)]
    assert abandoned_folders(tmp_path / "nowhere", NOW) == []
