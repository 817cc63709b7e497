"""Which command lands which source."""

from datetime import date
from pathlib import Path

import pytest

from stack.demo.landing import command
from stack.errors import StackError

SIZE = {"users": 10, "items": 5, "days": 2}


def test_a_foreign_source_lands_its_files_up_to_the_asked_day(tmp_path: Path) -> None:
    words = command("taobao", tmp_path, date(2017, 11, 26), SIZE)[1:]
    assert words == ["-m", "jobs.land", "--source", "taobao", "--input", str(tmp_path), "--through", "2017-11-26"]


def test_without_a_day_everything_lands(tmp_path: Path) -> None:
    assert "--through" not in command("taobao", tmp_path, None, SIZE)


def test_the_synthetic_shop_ends_on_a_fixed_day() -> None:
    assert command("synthetic", None, None, SIZE) == command("synthetic", None, date(2026, 6, 30), SIZE)


def test_a_foreign_source_without_files_is_an_error() -> None:
    with pytest.raises(StackError, match="Source taobao needs files"):
        command("taobao", None, None, SIZE)
