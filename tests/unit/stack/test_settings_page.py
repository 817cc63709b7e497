"""The page of the settings says what the classes say."""

from dataclasses import fields
from pathlib import Path

import pytest

from jobs.settings import Settings
from stack import settings_page
from stack.settings import Ports, StackSettings


def lines() -> dict[str, list[str]]:
    rows = [line.strip("| ").split(" | ") for line in settings_page.page().splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_the_page_says_what_the_code_says() -> None:
    assert settings_page.main(["--check"]) == 0, f"run `{settings_page.COMMAND}`"


def test_every_setting_is_there_and_explained() -> None:
    wanted = {f"TRADEWIND_{name.upper()}" for name in Settings.model_fields}
    wanted |= {f"TWSTACK_{entry.name.upper()}_PORT" for entry in fields(Ports)}
    wanted |= {f"TWSTACK_{entry.name.upper()}" for entry in fields(StackSettings)} - {"TWSTACK_PORTS"}
    found = lines()
    assert wanted <= set(found)
    assert [name for name, cells in found.items() if not cells[-1].strip().endswith(".")] == []


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("TRADEWIND_CATALOG_URI", ["**required**", "", ""]),
        ("TRADEWIND_PSEUDONYM_KEY", ["**required**", "", "yes"]),
        ("TRADEWIND_S3_SECRET_KEY", ["none", "", "yes"]),
        ("TRADEWIND_RAW_RETENTION_DAYS", ["`400`", "days", ""]),
        ("hide_out_of_stock", ["`true`", "", ""]),
        ("TRADEWIND_DAGS_APPROVAL", ["`off`", ""]),
        ("TRADEWIND_DAGS_DEADLINE_SECONDS", ["`21600`", "seconds"]),
        ("TWSTACK_MIN_DISK_GB", ["`6.0`", "GB"]),
        ("TWSTACK_LOCAL_DIR", ["`.local`", ""]),
    ],
)
def test_default_unit_and_secrecy_are_shown(name: str, cells: list[str]) -> None:
    assert [cell.strip() for cell in lines()[name]][:-1] == cells


def test_a_stale_page_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(settings_page, "PAGE", tmp_path / "settings.md")
    assert settings_page.main(["--check"]) == 1
    assert settings_page.COMMAND in capsys.readouterr().err
    assert settings_page.main([]) == 0
    assert settings_page.main(["--check"]) == 0
