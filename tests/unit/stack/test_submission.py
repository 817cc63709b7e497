"""Turns of a driver that stays, with real processes and sockets; in Spark's place is a shell that starts a Python, as its JVM does."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stack.submission import FOLDER_VARIABLE, IDLE_VARIABLE, KILLED, Submission

CHECKOUT = Path(__file__).resolve().parents[3]
CLIENT = str(CHECKOUT / "bin" / "submit.py")
PATIENCE = 30.0

SPARK_SUBMIT = """#!/bin/sh
# the shell stays, as the JVM does, and is the Python's parent
while [ "${1#--}" != "$1" ]; do shift 2; done
"$DRIVER_PYTHON" "$@"
exit $?
"""

TOY_DRIVER = """
import os, sys, time
from pathlib import Path
from jobs.turns import Place, end_with_jvm, serve, write_to

def turn(arguments):
    print("turn of", os.getpid(), *arguments, flush=True)
    while "wait" in arguments and not (Path(sys.argv[1]).parent / "go on").exists():
        time.sleep(0.05)
    if "die" in arguments:
        os.kill(os.getpid(), 9)
    print("é" * 3, file=sys.stderr)
    return 65 if "bad" in arguments else 0

folder, key, name, seconds = sys.argv[1:]
place = Place(Path(folder), key, name)
write_to(place.log)
sys.exit(serve(place, turn, lambda: print("rested"), idle_seconds=float(seconds), abandoned=end_with_jvm))
"""


class Shop:
    """A folder with a toy of Spark and of the jobs, and what its tasks were told."""

    def __init__(self, root: Path) -> None:
        self.root, self.drivers = root, root / "drivers"
        for folder in ("env/bin", "checkout/bin", "checkout/jobs"):
            (root / folder).mkdir(parents=True)
        submit = root / "env" / "bin" / "spark-submit"
        submit.write_text(SPARK_SUBMIT, encoding="utf-8")
        submit.chmod(0o755)
        self.script = root / "checkout" / "bin" / "spark_entry.py"
        self.script.write_text("import sys; print('alone', *sys.argv[1:])", encoding="utf-8")
        self.script.with_name("spark_driver.py").write_text(TOY_DRIVER, encoding="utf-8")
        self.code = root / "checkout" / "jobs" / "code.py"
        self.code.write_text("", encoding="utf-8")
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(CHECKOUT),
            "DRIVER_PYTHON": sys.executable,
            "PYSPARK_PYTHON": str(root / "env" / "bin" / "python"),
            FOLDER_VARIABLE: str(self.drivers),
            IDLE_VARIABLE: "60",
        }

    def submit(self, *arguments: str, name: str = "a task") -> subprocess.Popen[str]:
        """Begin to run one task."""
        command = [sys.executable, CLIENT, "--name", name, str(self.script), *arguments]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, *arguments: str, name: str = "a task") -> tuple[int, str]:
        """Run one task; exit code and what it printed."""
        task = self.submit(*arguments, name=name)
        printed, _ = task.communicate(timeout=PATIENCE)
        return task.returncode, printed

    def waiting(self) -> list[Path]:
        """The sockets at which a driver waits for anybody."""
        return sorted(self.drivers.glob("*.idle"))


def pid_in(printed: str) -> int:
    """The process that took the turn."""
    found = re.search(r"turn of (\d+)", printed)
    assert found, printed
    return int(found[1])


def has_ended(pid: int) -> bool:
    """Whether a process is gone, at the latest while it is asked about; a zombie is."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def await_end(pid: int) -> None:
    """Wait until a process is gone; fails after a while."""
    deadline = time.monotonic() + PATIENCE
    while not has_ended(pid):
        assert time.monotonic() < deadline, f"process {pid} has not ended"
        time.sleep(0.05)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / ("a-folder-whose-name-is-longer-than-the-107-bytes-that-the-address-of-a-socket-may-have" + "-" * 40))
    yield shop
    for file in shop.drivers.glob("*"):
        file.unlink(missing_ok=True)


def test_the_next_task_gets_a_turn_of_the_same_driver_and_each_hears_its_own_output(shop: Shop) -> None:
    first, second, third = (shop.run("one", name="a"), shop.run("two", name="b"), shop.run("three", name="c"))
    assert [code for code, _ in (first, second, third)] == [0, 0, 0]
    assert len({pid_in(printed) for _, printed in (first, second, third)}) == 1
    assert re.fullmatch(r"turn of \d+ one\nééé\n", first[1])
    assert re.fullmatch(r"turn of \d+ two\nééé\n", second[1])
    assert re.fullmatch(r"turn of \d+ three\nééé\n", third[1])


def test_a_driver_that_has_failed_leaves_and_its_exit_code_is_the_tasks(shop: Shop) -> None:
    (_, before), (code, failed), (_, after) = shop.run("one"), shop.run("bad"), shop.run("two")
    assert code == 65
    assert failed.endswith("bad\nééé\n")
    assert pid_in(before) == pid_in(failed) != pid_in(after)
    assert len(shop.waiting()) == 1


def test_a_driver_that_is_killed_at_work_is_told_as_a_killed_process(shop: Shop) -> None:
    assert [code for code, _ in (shop.run("one"), shop.run("die"))] == [0, KILLED]
    assert shop.waiting() == []
    assert list(shop.drivers.glob("*.log")) == []
    assert shop.run("die")[0] == KILLED  # in the first turn of a new one too


def test_a_driver_whose_task_nobody_waits_for_any_more_ends_with_its_jvm(shop: Shop) -> None:
    task = shop.submit("wait")
    assert task.stdout is not None
    driver = psutil.Process(pid_in(task.stdout.readline()))
    jvm = driver.parent()
    assert jvm is not None
    assert jvm.pid != task.pid
    task.send_signal(signal.SIGKILL)
    task.communicate(timeout=PATIENCE)
    gone, alive = psutil.wait_procs([driver, jvm], timeout=PATIENCE)
    assert (len(gone), alive) == (2, [])


def test_a_driver_at_work_is_not_asked_and_only_one_waits_afterwards(shop: Shop) -> None:
    pid = pid_in(shop.run("one")[1])
    at_work = shop.submit("wait")
    assert at_work.stdout is not None
    assert pid_in(at_work.stdout.readline()) == pid
    assert shop.waiting() == []
    code, printed = shop.run("two")
    assert code == 0
    assert pid_in(printed) != pid
    (other,) = shop.waiting()
    (shop.root / "go on").touch()
    at_work.communicate(timeout=PATIENCE)
    assert at_work.returncode == 0
    await_end(pid)
    assert shop.waiting() == [other]


@pytest.mark.parametrize("change", ["environment", "code", "settings"])
def test_what_a_task_is_told_or_runs_on_decides_who_may_take_it(shop: Shop, change: str) -> None:
    file = shop.root / "tradewind.env"
    file.write_text("TRADEWIND_SHOP=a\n", encoding="utf-8")
    shop.environment["TRADEWIND_ENV_FILE"] = str(file)
    before = pid_in(shop.run("one")[1])
    match change:
        case "environment":
            shop.environment["ANOTHER"] = "value"
        case "code":
            shop.code.write_text("# a new line", encoding="utf-8")
        case _:
            file.write_text("TRADEWIND_SHOP=b\n", encoding="utf-8")
    assert pid_in(shop.run("one")[1]) != before


def test_a_driver_leaves_when_nobody_comes_and_nothing_of_it_stays_behind(shop: Shop) -> None:
    shop.environment[IDLE_VARIABLE] = "0.2"
    await_end(pid_in(shop.run("one")[1]))
    assert list(shop.drivers.glob("*")) == []


def test_a_driver_leaves_when_its_socket_has_been_removed(shop: Shop) -> None:
    pid = pid_in(shop.run("one")[1])
    (socket,) = shop.waiting()
    socket.unlink()
    await_end(pid)


def test_a_socket_that_a_killed_driver_has_left_behind_is_cleared_away(shop: Shop) -> None:
    first = pid_in(shop.run("one")[1])
    (stale,) = shop.waiting()
    os.kill(first, signal.SIGKILL)
    await_end(first)
    code, printed = shop.run("two")
    assert code == 0
    assert pid_in(printed) != first
    assert not stale.exists()


def test_a_driver_that_cannot_be_started_says_why(shop: Shop) -> None:
    shop.script.with_name("spark_driver.py").write_text("raise SystemExit('no such master')", encoding="utf-8")
    code, printed = shop.run("one")
    assert code == 1
    assert "no such master" in printed


@pytest.mark.parametrize(("name", "value"), [(FOLDER_VARIABLE, None), (IDLE_VARIABLE, "0")])
def test_without_a_place_to_wait_every_task_has_a_driver_of_its_own(shop: Shop, name: str, value: str | None) -> None:
    shop.environment.pop(name)
    if value is not None:
        shop.environment[name] = value
    assert shop.run("one", "two") == (0, "alone one two\n")
    assert not shop.drivers.exists()


def test_only_the_owner_may_enter_the_folder(shop: Shop) -> None:
    shop.run("one")
    assert shop.drivers.stat().st_mode & 0o077 == 0


def test_the_name_of_a_task_is_no_part_of_the_key_and_the_order_of_options_is() -> None:
    script = str(CHECKOUT / "bin" / "spark_entry.py")
    commands = [["--name", "a", "--conf", "x=1", script], ["--name", "b", "--conf", "x=1", script, "t"], ["--conf", "x=2", script]]
    keys = [found.key({}) for command in commands if (found := Submission.parsed(command))]
    assert keys[0] == keys[1] != keys[2]
    assert Submission.parsed(["--class", "Main", "other.jar"]) is None
