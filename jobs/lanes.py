"""Which steps of a task are built beside each other: those of which none needs what another one makes.

A driver plans on one core while its workers wait, and the last tasks of a job leave all cores but one idle. Two steps at a time fill both.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import combinations

from jobs.step import EventDays, Step

AT_A_TIME = 2
"""Lanes that are built at a time: each keeps rows in memory of its own."""


def lanes(steps: Sequence[Step]) -> list[list[Step]]:
    """The steps in lanes, in the order of their first steps: a lane has all steps that a step of it reads from or is read by.

    Steps by event day are one lane: the first of them say which days the others build.
    """
    lane = list(range(len(steps)))
    for one, other in combinations(range(len(steps)), 2):
        if (_is_by_event_day(steps[one]) and _is_by_event_day(steps[other])) or _touch(steps[one], steps[other]):
            lane = [lane[one] if number == lane[other] else number for number in lane]
    return [[step for step, number in zip(steps, lane, strict=True) if number == wanted] for wanted in dict.fromkeys(lane)]


def build_in_lanes(steps: Sequence[Step], build: Callable[[Step], None], *, at_a_time: int = AT_A_TIME) -> None:
    """Build all steps, a lane in order, ``at_a_time`` lanes beside each other. After a step that failed no lane begins another one.

    Raises what a step has raised; where two have failed side by side, the first in order, so that the same input has the same error.
    """
    stop = threading.Event()

    def follow(lane: Sequence[Step]) -> None:
        for step in lane:
            if stop.is_set():
                return
            try:
                build(step)
            except BaseException:
                stop.set()
                raise

    with ThreadPoolExecutor(at_a_time, thread_name_prefix="lane") as pool:
        begun = [pool.submit(copy_context().run, follow, lane) for lane in lanes(steps)]
    for one in begun:
        one.result()


def _is_by_event_day(step: Step) -> bool:
    return any(isinstance(write.scope, EventDays) for write in step.writes)


def _touch(one: Step, other: Step) -> bool:
    """Whether one reads or writes what the other writes."""
    return any(_written(a) & (_written(b) | {read.table.name for read in b.reads}) for a, b in ((one, other), (other, one)))


def _written(step: Step) -> set[str]:
    return {write.table.name for write in step.writes}
