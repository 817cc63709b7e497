"""One table, one noun, one name in every folder (STYLE rule 3)."""

import sys
from pathlib import Path

import pytest

from jobs.catalog import TASKS
from jobs.docs import stale, suites
from jobs.tables import contracts

ROOT = Path(__file__).resolve().parents[2]
DRAWERS = {"utils", "util", "common", "helpers", "helper", "lib", "core", "misc", "shared", "tools"}
TABLES = contracts("silver", "gold")
CODE = [path for folder in ("jobs", "expectations", "dags", "stack") for path in (ROOT / folder).rglob("*.py")]


def noun(name: str) -> str:
    """The module that a table belongs to: a rejected twin lives with its noun."""
    return name.partition(".")[2].removesuffix("_rejected")


def test_there_is_code_to_look_at() -> None:
    assert len(CODE) > 40
    assert len(TABLES) > 10


@pytest.mark.parametrize("name", TABLES)
def test_every_silver_and_gold_table_has_a_suite(name: str) -> None:
    suite = suites("silver", "gold").get(name)
    assert suite is not None, f"no Suite of {name} in expectations/{name.partition('.')[0]}"
    assert suite.expectations


@pytest.mark.parametrize("name", sorted({f"{table.layer}/test_{noun(table.name)}.py" for table in TABLES.values()}))
def test_every_silver_and_gold_table_has_unit_tests(name: str) -> None:
    assert (ROOT / "tests/unit" / name).exists()


def test_every_page_of_a_table_says_what_the_code_says() -> None:
    assert stale(ROOT / "docs/tables") == [], "run `python -m jobs.docs`"


def test_every_table_of_a_task_has_a_contract() -> None:
    built = {name for task in TASKS.values() for name in task.tables if name.startswith(("bronze.", "silver.", "gold."))}
    assert built <= set(contracts())


def test_every_silver_and_gold_table_is_built_by_a_task() -> None:
    built = {name for task in TASKS.values() for name in task.tables}
    assert {name.removesuffix("_rejected") for name in TABLES} <= built


def test_there_is_no_drawer() -> None:
    assert [str(path) for path in CODE if DRAWERS & {*path.relative_to(ROOT).parts[:-1], path.stem}] == []


def test_no_module_hides_one_of_the_standard_library() -> None:
    inside = [path for path in CODE if path.relative_to(ROOT).parts[0] in {"jobs", "expectations"}]
    importable_by_name = [*inside, *(ROOT / "dags").glob("*.py"), *(ROOT / "bin").glob("*.py")]
    hiding = [path for path in importable_by_name if path.stem in sys.stdlib_module_names and not path.stem.startswith("__")]
    assert [str(path.relative_to(ROOT)) for path in hiding] == []
