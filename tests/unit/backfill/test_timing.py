"""How long it would take, and how sure that is."""

import pytest

from jobs.backfill.timing import Pace, Seconds, between_tasks

LINE = [(rows, 5.0 + rows / 100) for rows in (100, 200, 300, 400, 500, 600)]


def pace(*runs: tuple[int, float]) -> Pace:
    found = Pace.of(runs)
    assert found is not None
    return found


def test_a_line_is_found_and_a_slow_run_does_not_move_it() -> None:
    found = pace(*LINE[:3], (350, 900.0), *LINE[3:])
    assert (found.fixed, found.per_row) == pytest.approx((5.0, 0.01))


def test_within_what_has_been_run_the_span_is_narrow() -> None:
    found = pace(*LINE).seconds(450)
    assert (found.low, found.high) == pytest.approx((9.5, 9.5))


def test_beyond_what_has_been_run_the_span_is_as_wide_as_if_nothing_were_fixed() -> None:
    found = pace(*LINE).seconds(60_000)
    assert found.low == pytest.approx(605.0)
    assert found.high > 1_200


def test_few_runs_give_a_median_and_no_line() -> None:
    found = pace((100, 2.0), (200, 4.0), (300, 90.0))
    assert (found.per_row, found.fixed) == (0.0, 4.0)
    assert found.seconds(100).high > found.seconds(100).low


def test_without_a_run_nothing_is_known_and_a_sum_with_it_is_not_known_either() -> None:
    assert Pace.of([]) is None
    assert not (Seconds(1, 2) + Seconds(0, 0, is_known=False)).is_known
    assert Seconds.total([Seconds(1, 2), Seconds(3, 4)]) == Seconds(4, 6)


def test_a_table_that_is_always_empty_has_a_pace() -> None:
    assert pace(*[(0, 1.0)] * 6).seconds(0) == Seconds(1.0, 1.0)


def test_what_lies_between_two_tasks_of_a_run_is_the_cost_of_a_task_and_a_night_is_not() -> None:
    tasks = [("a", 30.0, 50.0), ("a", 0.0, 10.0), ("b", 100.0, 110.0), ("b", 134.0, 140.0), ("c", 0.0, 1.0), ("c", 40_000.0, 40_001.0)]
    found = between_tasks(tasks)
    assert found is not None
    assert (found.runs, found.seconds(0).low <= 22 <= found.seconds(0).high) == (2, True)
