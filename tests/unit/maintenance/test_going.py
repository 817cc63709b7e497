"""The plan as a person reads it, and as the task returns it."""

import io

import pytest
from rich.console import Console

from jobs.maintenance.going import Done, Going, as_result, as_table

GOING = Going("snapshots", "silver.events", "snapshot", ("1", "2"), "older than 2026-07-24", 1_234_567)


def text(*done: Done, dry_run: bool) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(as_table(done, dry_run=dry_run))
    return out.getvalue()


@pytest.mark.parametrize(("dry_run", "title"), [(True, "nothing has"), (False, "This went")])
def test_the_title_says_whether_anything_happened(*, dry_run: bool, title: str) -> None:
    assert title in text(Done("snapshots", (GOING,), None), dry_run=dry_run)


def test_a_line_says_what_of_which_table_how_many_how_large_and_why() -> None:
    line = next(line for line in text(Done("snapshots", (GOING,), None), dry_run=True).splitlines() if "silver.events" in line)
    assert [cell.strip() for cell in line.split("│")[1:-1]] == [
        "snapshots", "silver.events", "snapshot", "2", "1,234,567", "older than 2026-07-24",
    ]  # fmt: skip


def test_a_part_without_anything_to_do_says_so_and_a_done_one_what_it_freed() -> None:
    shown = text(Done("branches", (), 0), Done("snapshots", (GOING,), 900_000), dry_run=False)
    assert "nothing" in shown
    assert "900,000" in shown


def test_the_result_counts_and_leaves_the_names_to_the_log() -> None:
    assert as_result([Done("snapshots", (GOING,), 900_000), Done("branches", (), None)]) == {
        "snapshots": {"things": 2, "bytes_planned": 1_234_567, "bytes_freed": 900_000, "by_subject": {"silver.events: snapshot": 2}},
        "branches": {"things": 0, "bytes_planned": 0, "by_subject": {}},
    }
