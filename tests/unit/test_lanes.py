"""Steps that need nothing of each other are built side by side, all others in their order."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from expectations.suite import Suite
from jobs.catalog import REFINE, SCORE
from jobs.contract import Column, Table
from jobs.lanes import build_in_lanes, lanes
from jobs.shell import step_of
from jobs.step import AsOf, EventDays, Read, Step, Write


def table(name: str) -> Table:
    return Table(f"gold.{name}", "Rows.", (Column("id", "bigint", "Id."),), ("id",))


def step(name: str, *reads: str, scope: AsOf | EventDays | None = None) -> Step:
    written = table(name)
    return Step(tuple(Read(table(read)) for read in reads), (Write(written, Suite(written.name, ()), scope or AsOf()),), build=lambda: None)


def named(steps: list[list[Step]]) -> list[list[str]]:
    return [[one.writes[0].table.name for one in lane] for lane in steps]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([step("a"), step("b"), step("c", "a")], [["gold.a", "gold.c"], ["gold.b"]]),
        ([step("a"), step("b"), step("c", "a", "b")], [["gold.a", "gold.b", "gold.c"]]),
        ([step("a"), step("b", "x"), step("c", "x")], [["gold.a"], ["gold.b"], ["gold.c"]]),
        ([step("a", scope=EventDays()), step("b"), step("c", scope=EventDays())], [["gold.a", "gold.c"], ["gold.b"]]),
        ([], []),
    ],
)
def test_a_lane_has_all_that_belongs_together(steps: list[Step], expected: list[list[str]]) -> None:
    assert named(lanes(steps)) == expected


def test_recommendations_do_not_wait_for_segments_and_silver_is_one_after_the_other() -> None:
    scored = named(lanes([step_of(name) for name in SCORE.tables]))
    assert [lane for lane in scored if "gold.recommendations" in lane] == [["gold.recommendations"]]
    assert len(scored) == 2
    silver = next(task for task in REFINE if task.name == "silver")
    by_event_day = [lane for lane in named(lanes([step_of(name) for name in silver.tables])) if "silver.events" in lane]
    assert {"silver.events", "silver.order_lines", "silver.sessions"} <= set(by_event_day[0])


def test_two_lanes_are_built_at_a_time() -> None:
    meeting = threading.Barrier(2, timeout=30)
    build_in_lanes([step("a"), step("b")], lambda _: _met(meeting))


def _met(meeting: threading.Barrier) -> None:
    meeting.wait()


def test_after_a_step_that_failed_no_lane_begins_another() -> None:
    begun, failed = list[str](), threading.Event()

    def build(one: Step) -> None:
        name = one.writes[0].table.name
        begun.append(name)
        if name == "gold.a":
            failed.set()
            raise ValueError(name)
        failed.wait(30)

    chain: list[Any] = [step("a"), step("b"), step("c", "b"), step("d", "c")]
    with pytest.raises(ValueError, match=r"gold\.a"):
        build_in_lanes(chain, _slowly(build, failed))
    assert set(begun) <= {"gold.a", "gold.b"}


def test_of_two_that_failed_side_by_side_the_first_in_order_is_told() -> None:
    both, later_failed = threading.Barrier(2, timeout=30), threading.Event()

    def build(one: Step) -> None:
        both.wait()
        if one.writes[0].table.name == "gold.a":
            later_failed.wait(30)
        later_failed.set()
        raise ValueError(one.writes[0].table.name)

    with pytest.raises(ValueError, match=r"gold\.a"):
        build_in_lanes([step("a"), step("b")], build)


def _slowly(build: Callable[[Step], None], failed: threading.Event) -> Callable[[Step], None]:
    def slow(one: Step) -> None:
        build(one)
        if one.writes[0].table.name != "gold.a":
            failed.wait(30)
            threading.Event().wait(0.2)

    return slow
