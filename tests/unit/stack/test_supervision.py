"""What is written for the supervisor is what its own parser reads."""

import configparser
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from supervisor.datatypes import dict_of_key_value_pairs

from stack.errors import StackError
from stack.health import await_healthy
from stack.supervision import Program, Supervisor


@pytest.mark.parametrize("value", ["plain", "a,b=c d#e;f", '{"conn_type": "spark", "host": "local[2]"}', "100%", "it's"])
def test_the_supervisor_reads_back_every_value(value: str, tmp_path: Path) -> None:
    section = Program("thing", ("/bin/true",), {"VALUE": value}).section(tmp_path, tmp_path)
    parser = configparser.RawConfigParser()
    parser.read_string(section)
    environment = parser["program:thing"]["environment"] % {}
    assert dict_of_key_value_pairs(environment)["VALUE"] == value


def test_a_value_with_both_quotes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="quotes"):
        Program("thing", ("/bin/true",), {"VALUE": "\"'"}).section(tmp_path, tmp_path)


def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    assert len(str(Supervisor(tmp_path / ("x" * 120)).socket)) < 100


def test_a_killed_service_comes_back_without_what_it_left_behind(tmp_path: Path) -> None:
    child = f"import os, time; os.fork(); open({str(tmp_path)!r} + f'/{{os.getpid()}}', 'w').close(); time.sleep(600)"
    supervisor = Supervisor(tmp_path / "state")
    supervisor.launch([Program("thing", (sys.executable, "-c", child), clean_start=True)])
    try:
        supervisor.start("thing")
        first = _wait_for_pids(tmp_path, 2)
        os.kill(supervisor.states()["thing"].pid, signal.SIGKILL)
        everyone = _wait_for_pids(tmp_path, 4)
        alive = {pid for pid in everyone if Path(f"/proc/{pid}").exists()}
        assert alive == everyone - first
    finally:
        supervisor.stop()
    assert not any(Path(f"/proc/{pid}").exists() for pid in _wait_for_pids(tmp_path, 4))


def test_a_service_that_dies_at_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path / "state")
    supervisor.launch([Program("thing", (sys.executable, "-c", "raise SystemExit('the reason')"))])
    try:
        supervisor.start("thing")
        with pytest.raises(StackError, match=r"(?s)thing died while starting.*the reason"):
            await_healthy(supervisor, {"thing": lambda: None}, timeout_seconds=60, report=lambda _: None)
    finally:
        supervisor.stop()


def test_a_service_that_never_gets_healthy_is_given_up_with_its_ailment(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path / "state")
    supervisor.launch([Program("thing", ("/bin/sleep", "600"))])
    try:
        supervisor.start("thing")
        with pytest.raises(StackError, match="no answer"):
            await_healthy(supervisor, {"thing": lambda: "no answer"}, timeout_seconds=2, report=lambda _: None)
    finally:
        supervisor.stop()


def _wait_for_pids(folder: Path, count: int) -> set[int]:
    deadline = time.monotonic() + 30
    while len(pids := {int(path.name) for path in folder.iterdir() if path.name.isdigit()}) < count:
        assert time.monotonic() < deadline, pids
        time.sleep(0.1)
    return pids
