"""docs/dags.md says what the DAG files say."""

import doctest
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
DAGS_FOLDER = CHECKOUT / "dags"


def test_the_page_is_up_to_date() -> None:
    environ = os.environ | {"PYTHONPATH": f"{DAGS_FOLDER}{os.pathsep}{CHECKOUT}"}
    command = [sys.executable, "-m", "orchestration.reference", "--check"]
    check = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    assert check.returncode == 0, check.stderr


@pytest.mark.parametrize("module", sorted(path.stem for path in (DAGS_FOLDER / "orchestration").glob("[a-z]*.py")))
def test_examples_in_docstrings_are_true(module: str) -> None:
    assert doctest.testmod(import_module(f"orchestration.{module}")).failed == 0
