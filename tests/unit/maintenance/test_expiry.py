"""Which snapshots may go."""

from collections.abc import Callable
from datetime import timedelta

from jobs.maintenance.expiry import expirable, held_by, plan
from jobs.maintenance.history import History
from tests.unit.maintenance.conftest import NOW, history, snapshot

WEEK_AGO = NOW - timedelta(days=6.5)


def ids(found: History, **keywords: object) -> list[int]:
    return [one.id for one in expirable(found, WEEK_AGO, **keywords)]  # type: ignore[arg-type]


def test_every_instant_since_the_age_can_still_be_read(daily: Callable[..., History]) -> None:
    assert ids(daily()) == [1, 2]


def test_the_state_before_the_age_stays_while_nothing_came_after_it() -> None:
    assert ids(history(snapshot(1, 90), snapshot(2, 60), main=2)) == [1]


def test_a_tag_spares_its_snapshot_and_no_other(daily: Callable[..., History]) -> None:
    assert ids(daily(tags={"release_2026_07_22_000001": 1})) == [2]


def test_what_a_branch_is_made_of_stays_until_the_branch_goes() -> None:
    staged = snapshot(11, 20, parent=1)
    snapshots = [snapshot(number, 30 - number) for number in range(1, 4)]
    assert ids(history(*snapshots, staged, main=3, branches={"run_x_1": 11})) == [1, 2]
    assert ids(history(*snapshots, staged, main=3)) == [1, 2, 11]


def test_a_snapshot_that_holds_expired_raw_text_goes_however_young_it_is(daily: Callable[..., History]) -> None:
    found = daily()
    assert ids(found, floor=found.snapshots[9]) == list(range(1, 9))


def test_the_plan_says_which_went_for_their_text_and_which_for_their_age(daily: Callable[..., History]) -> None:
    found = daily()
    lines = plan([found], WEEK_AGO, {"silver.events": found.snapshots[9]})
    assert [(line.count, "raw text" in line.reason) for line in lines] == [(8, True)]
    assert [(line.names, "raw text" in line.reason) for line in plan([found], WEEK_AGO, {})] == [(("1", "2"), False)]


def test_the_bytes_of_a_snapshot_are_what_the_next_one_removed_or_what_it_alone_added() -> None:
    found = history(
        snapshot(1, 9, added_files_size="100"),
        snapshot(2, 8, added_files_size="70", removed_files_size="60"),
        snapshot(3, 8, parent=1, added_files_size="5", removed_files_size="0"),
        main=2,
    )
    assert [held_by(found, one) for one in found.snapshots.values()] == [60, 70, 5]
