"""Which reservations and uploads nobody needs any more."""

from datetime import date, timedelta

from jobs.maintenance.unfinished import spent_reservations
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
