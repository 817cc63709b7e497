"""Which branches are those of attempts that died."""

from datetime import timedelta

from jobs.maintenance.branches import plan
from jobs.maintenance.history import History
from tests.unit.maintenance.conftest import NOW, history, snapshot


def stale(found: History) -> list[str]:
    return [name for going in plan([found], NOW - timedelta(days=1)) for name in going.names]


def test_a_branch_that_was_written_long_ago_is_stale_and_a_young_one_is_not() -> None:
    snapshots = (snapshot(1, 9), snapshot(2, 3, parent=1), snapshot(3, 0.5, parent=1))
    assert stale(history(*snapshots, main=1, branches={"run_dead_1": 2, "run_alive_1": 3})) == ["run_dead_1"]


def test_a_branch_to_which_nothing_was_written_stays_while_main_has_not_moved() -> None:
    """Its owner may be computing since this morning on a table that was last written weeks ago."""
    assert stale(history(snapshot(1, 30), main=1, branches={"run_alive_1": 1})) == []


def test_a_branch_to_which_nothing_was_written_is_as_old_as_the_state_that_came_after_it() -> None:
    moved = (snapshot(1, 30), snapshot(2, 4), snapshot(3, 0.1))
    assert stale(history(*moved, main=3, branches={"run_dead_1": 1, "run_alive_1": 2})) == ["run_dead_1"]


def test_only_branches_of_attempts_are_swept() -> None:
    assert stale(history(snapshot(1, 30), snapshot(2, 29), main=2, branches={"by_hand": 1})) == []
