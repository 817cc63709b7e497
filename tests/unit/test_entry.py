"""From a command line to an exit code."""

import json
from pathlib import Path

import pytest

from jobs import entry, errors
from jobs.catalog import TASKS


@pytest.mark.parametrize("interval", [("2026-05-04", "2026-05-04"), ("2026-05-05", "2026-05-04"), ("soon", "2026-05-04")])
def test_an_interval_that_is_none_is_bad_data(interval: tuple[str, str]) -> None:
    start, end = interval
    assert entry.main(["silver.events", "--start", start, "--end", end, "--run-id", "r"]) == 65


def test_missing_settings_are_named_and_not_tried_again(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("TRADEWIND_ENV_FILE", "TRADEWIND_CATALOG_URI"):
        monkeypatch.delenv(name, raising=False)
    assert entry.main(["silver.events", "--start", "2026-05-04", "--end", "2026-05-05", "--run-id", "r"]) == 65
    assert "TRADEWIND_CATALOG_URI" in caplog.text


def test_whatever_is_no_table_has_a_function_that_makes_it() -> None:
    names = {name for task in TASKS.values() for name in task.tables}
    others = {name for name in names if name.partition(".")[0] in {"model", "ops"}}
    assert others == set(entry.WORKS)


@pytest.mark.parametrize("kind", [errors.AuditError, errors.RejectShareError, errors.LandingError, errors.ContractError])
def test_bad_data_says_what_was_expected_what_was_found_and_what_to_do(kind: type[errors.TradewindError]) -> None:
    error = kind("silver.events", expected="at most 5 %", found="12 %", advice="Mend the input.")
    assert (str(error), error.exit_code) == ("silver.events: expected at most 5 %; found 12 %. Mend the input.", 65)


@pytest.mark.parametrize("kind", [errors.NotLandedError, errors.LostRaceError])
def test_not_yet_and_a_lost_race_are_tried_again(kind: type[errors.TradewindError]) -> None:
    assert kind("x", expected="a", found="b", advice="c").exit_code == 75


@pytest.mark.parametrize(
    ("raised", "kind", "exit_code"),
    [
        (errors.AuditError("silver.events", expected="no NULL", found="3", advice="Mend the input."), "AuditError", 65),
        (OSError(28, "No space left on device"), "DiskFullError", 69),
    ],
)
def test_a_task_that_fails_leaves_its_reason_in_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: Exception, kind: str, exit_code: int
) -> None:
    result = failing(tmp_path, monkeypatch, raised)
    assert entry.main(result) == exit_code
    said = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["error"]
    assert said["type"] == kind
    assert set(said) == {"type", "subject", "expected", "found", "advice"}


def test_what_nobody_foresaw_leaves_its_reason_and_its_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyError):
        entry.main(failing(tmp_path, monkeypatch, KeyError("day")))
    said = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["error"]
    assert (said["type"], said["found"]) == ("UnexpectedError", "KeyError: 'day'")


def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[str]:
    """The command line of a task that raises ``error`` as soon as it begins."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("jobs.entry.Settings.from_environment", lambda: None)
    monkeypatch.setattr("jobs.entry.Context.create", fail)
    monkeypatch.setattr("jobs.entry.import_module", lambda _: None)
    interval = ["--start", "2026-05-04", "--end", "2026-05-05", "--run-id", "r"]
    return ["silver.events", *interval, "--result", str(tmp_path / "result.json")]
