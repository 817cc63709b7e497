"""Claims about what a run says of the code that made it."""

import re
from pathlib import Path

import pytest

from jobs.context import VERSION, code_version


def test_a_checkout_tells_its_commit() -> None:
    assert re.fullmatch(rf"{re.escape(VERSION)}\+[0-9a-f]{{12}}", code_version())


def test_an_image_tells_the_commit_that_it_was_built_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "COMMIT").write_text("0123456789ab\n", encoding="utf-8")
    assert code_version(tmp_path) == f"{VERSION}+0123456789ab"


def test_code_without_a_checkout_tells_its_version(tmp_path: Path) -> None:
    assert code_version(tmp_path) == VERSION


def test_a_machine_without_git_tells_the_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert code_version() == VERSION
