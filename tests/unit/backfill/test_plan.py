"""A plan from facts: partitions, rows, minutes, who is concerned, what stands in the way."""

import dataclasses
import io
import json
from datetime import date, timedelta
from typing import Any

import pytest
from rich.console import Console

from jobs.backfill.__main__ import show
from jobs.backfill.plan import Facts, LandedDay, Plan, Size, TableFacts, commands, make_plan
from jobs.backfill.timing import Pace
from jobs.interval import Interval
from jobs.step import AsOf, EventDays, LandedDays

RANGE = Interval(date(2026, 5, 10), date(2026, 5, 12))
HISTORY = [date(2026, 5, 1) + timedelta(days=number) for number in range(14)]


def table(name: str, scope: Any, days: list[date] | None = None, *, rows: int = 100, pace: Pace | None = None) -> TableFacts:
    partitions: dict[date | None, Size] = {day: Size(rows, rows * 10, 1) for day in (HISTORY if days is None else days)}
    return TableFacts(name, name.partition(".")[0], scope, partitions, pace or Pace.of([(rows, 6.0)] * 6))


def facts(**fields: Any) -> Facts:
    """Two weeks of history, landed, refined and released; keywords replace."""
    given: dict[str, Any] = {
        "tables": [
            table("bronze.events", LandedDays()),
            table("silver.events", EventDays(), rows=50),
            table("gold.user_features", AsOf(and_later=True), rows=10),
        ],
        "landed": [LandedDay("events", day, 100, 1, 1_000) for day in RANGE.days()],
        "lines": dict.fromkeys(HISTORY, 100),
        "sets": {day: f"{day}-000001" for day in HISTORY},
        "releases": [(f"{day}-000001", day) for day in HISTORY],
        "expired_before": None,
        "max_lateness_days": 3,
        "between_tasks": Pace.of([(0, 30.0)]),
    }
    return Facts(**(given | fields))


def planned(**fields: Any) -> Plan:
    return make_plan(RANGE, facts(**fields))


def test_the_partitions_that_exist_are_counted_with_their_rows_and_bytes() -> None:
    bronze, silver, features = planned().tables
    assert (bronze.replaced, bronze.new, bronze.now) == (2, 0, Size(200, 2_000, 2))
    assert (silver.first, silver.last, silver.replaced, silver.new) == (date(2026, 5, 7), date(2026, 5, 12), 6, 0)
    assert (features.first, features.last, features.replaced) == (date(2026, 5, 11), date(2026, 5, 14), 4)


def test_day_by_day_writes_neighbouring_event_days_again_and_again() -> None:
    silver = planned().tables[1]
    assert (silver.rows_in_one_go, silver.rows_day_by_day) == (6 * 50, 2 * 5 * 50)


def test_a_new_day_is_guessed_by_its_lines_and_the_rows_a_line_so_far() -> None:
    earlier = [day for day in HISTORY if day < RANGE.start]
    silver = planned(tables=[table("silver.events", EventDays(), earlier, rows=50)], lines=dict.fromkeys(earlier, 100)).tables[0]
    assert (silver.replaced, silver.new, silver.rows_in_one_go) == (3, 2, 5 * 50)


def test_minutes_count_each_task_with_what_lies_between_tasks() -> None:
    plan = planned()
    assert plan.in_one_go.low == pytest.approx(18 + 4 * 30)
    assert plan.day_by_day.low == pytest.approx(2 * (18 + 4 * 30))


def test_a_table_that_never_ran_makes_the_sum_unknown() -> None:
    plan = planned(tables=[dataclasses.replace(table("silver.events", EventDays()), pace=None)])
    assert not plan.in_one_go.is_known
    assert plan.tables[0].history == "never run: cannot tell"


def test_sets_and_releases_from_the_first_day_on_are_concerned_and_earlier_ones_are_not() -> None:
    plan = planned()
    assert plan.sets[0] == "2026-05-10-000001"
    assert plan.releases_inside == ("2026-05-10-000001", "2026-05-11-000001")
    assert plan.releases_after == ("2026-05-12-000001", "2026-05-13-000001", "2026-05-14-000001")


def test_a_day_without_a_marker_is_waited_for_and_a_broken_marker_is_refused() -> None:
    plan = planned(
        landed=[
            LandedDay("events", date(2026, 5, 10), None),
            LandedDay("events", date(2026, 5, 11), None, fault="a malformed marker"),
        ]
    )
    assert plan.waiting == ("feed events has no marker on 2026-05-10",)
    assert plan.refused == ("feed events on 2026-05-11: a malformed marker",)


def test_an_expired_landed_day_is_refused_and_the_first_possible_day_is_named() -> None:
    (refused,) = planned(expired_before=date(2026, 5, 11)).refused
    assert "[2026-05-10, 2026-05-11)" in refused
    assert "begin at 2026-05-11" in refused


def test_late_rows_of_days_whose_lines_have_expired_are_a_doubt() -> None:
    plan = planned(expired_before=date(2026, 5, 8))
    assert plan.refused == ()
    assert "From 2026-05-12 on nothing can" in plan.doubts[0]
    assert planned(expired_before=date(2026, 5, 6)).doubts == ()


def test_the_commands_name_the_last_day_where_airflow_counts_it_and_the_day_after_where_the_interval_is_half_open() -> None:
    found = commands(RANGE)
    assert found["in one go"] == """airflow dags trigger load_history --conf '{"start": "2026-05-10", "end": "2026-05-12"}'"""
    assert "--from-date 2026-05-10 --to-date 2026-05-11 --reprocess-behavior completed" in found["day by day"]
    for name in ("in one go, REST", "then release once", "day by day, REST"):
        json.loads(found[name].partition("-d '")[2].removesuffix("'"))
    assert '"partition_key": "2026-05-11"' in found["then release once"]


def test_a_person_reads_days_rows_minutes_releases_and_a_command_that_can_be_copied() -> None:
    out = io.StringIO()
    show(planned(expired_before=date(2026, 5, 8)), Console(file=out, width=160))
    text = out.getvalue()
    silver = next(line for line in text.splitlines() if "silver.events" in line and "event days" in line)
    assert [cell.strip() for cell in silver.split("│")[3:-1]] == [
        "event days", "2026-05-07 to 2026-05-12", "6", "0", "300", "3,000", "0.1 to 0.6",
    ]  # fmt: skip
    for words in ("Nothing has been written", "in one go: load_history", "2.3", "releases after the range", "May be refused"):
        assert words in text
    for command in commands(RANGE).values():
        assert command in text.splitlines()


def test_the_plan_is_json() -> None:
    read = json.loads(json.dumps(planned().as_dict(), default=str))
    assert (read["tables"][1]["replaced"], read["interval"]["start"]) == (6, "2026-05-10")
