"""What is done with the landed days, and what a second call reuses."""

from datetime import date
from pathlib import Path

import pytest

from stack.demo.plan import Landing, Plan, fingerprint
from stack.errors import StackError

DAYS = [date(2026, 1, day) for day in (1, 2, 3, 4)]


def test_the_last_day_is_left_to_the_scheduler() -> None:
    plan = Plan.of_days(DAYS)
    assert str(plan.history) == "[2026-01-01, 2026-01-04)"
    assert plan.last_day == date(2026, 1, 4)


def test_days_after_the_asked_one_do_not_count() -> None:
    plan = Plan.of_days(DAYS, through=date(2026, 1, 2))
    assert (str(plan.history), plan.last_day) == ("[2026-01-01, 2026-01-02)", date(2026, 1, 2))


def test_a_single_day_has_no_history() -> None:
    assert Plan.of_days(DAYS[:1]).history is None


@pytest.mark.parametrize(("days", "through"), [([], None), (DAYS, date(2025, 12, 31))])
def test_no_day_is_an_error_that_says_what_to_check(days: list[date], through: date | None) -> None:
    with pytest.raises(StackError, match="No day has landed"):
        Plan.of_days(days, through)


def test_the_same_input_has_the_same_runs(tmp_path: Path) -> None:
    first = Landing.recorded(tmp_path).next("a")
    first.save(tmp_path)
    again = Landing.recorded(tmp_path).next("a")
    assert again.run_id("2026-01-04") == first.run_id("2026-01-04") == "demo_1__2026-01-04"


def test_an_input_that_comes_back_has_new_runs(tmp_path: Path) -> None:
    names = []
    for found in ("a", "b", "a"):
        landed = Landing.recorded(tmp_path).next(found)
        landed.save(tmp_path)
        names.append(landed.run_id("x"))
    assert len(set(names)) == 3


def test_a_fingerprint_changes_with_the_arguments_and_with_the_files(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("1\n", encoding="utf-8")
    before = fingerprint({"users": 1}, tmp_path)
    assert fingerprint({"users": 1}, tmp_path) == before
    assert fingerprint({"users": 2}, tmp_path) != before
    (tmp_path / "events.csv").write_text("1\n2\n", encoding="utf-8")
    assert fingerprint({"users": 1}, tmp_path) != before


def test_a_missing_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"There is no .*nowhere"):
        fingerprint({}, tmp_path / "nowhere")
