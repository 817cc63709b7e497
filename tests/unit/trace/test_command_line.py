"""From a command line to an exit code."""

import pytest

from jobs.trace.__main__ import main


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["user"],
        ["export"],
        ["model", "recommender"],
        ["landed", "x", "--line", "0"],
        ["landed", "x", "--release", "r", "--now"],
    ],
)
def test_an_incomplete_question_is_refused_before_anything_starts(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(words)
    assert raised.value.code == 2
    assert "usage: python -m jobs.trace" in capsys.readouterr().err


def test_missing_settings_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("TRADEWIND_ENV_FILE", "TRADEWIND_CATALOG_URI"):
        monkeypatch.delenv(name, raising=False)
    assert main(["export", "exports/x"]) == 65
    assert "TRADEWIND_CATALOG_URI" in capsys.readouterr().err
