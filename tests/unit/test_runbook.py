"""The runbook says how each of its entries was tried, and what it names is there."""

import re

import pytest

from stack.settings import CHECKOUT

TEXT = (CHECKOUT / "docs" / "runbook.md").read_text(encoding="utf-8")
ERRORS = TEXT.partition("\n## Errors of a task\n")[2]
TRIED = dict(re.findall(r"^\| ([^|]+?) \| `([^`]+)`", ERRORS.partition("\n## How each entry was tried\n")[2], flags=re.MULTILINE))


def test_every_entry_was_tried() -> None:
    assert set(TRIED) == set(re.findall(r"^### (.+)$", ERRORS, flags=re.MULTILINE))


@pytest.mark.parametrize("place", TRIED.values())
def test_what_tried_an_entry_is_there(place: str) -> None:
    file, _, name = place.partition("::")
    wanted = f"def {name}(" if file.startswith("tests/") else name
    assert name
    assert wanted in (CHECKOUT / file).read_text(encoding="utf-8")
