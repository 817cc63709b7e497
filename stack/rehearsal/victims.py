"""What a rehearsal kills, with -9, and how it knows that the platform has recovered."""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil

from jobs.turns import Place
from stack.errors import StackError
from stack.mlflow_server import NAME as MLFLOW
from stack.services import BASE, Stack
from stack.submission import DRIVER as DRIVER_SCRIPT
from stack.submission import ENTRY

DRIVER = "spark driver"
SERVICES = (*BASE, MLFLOW, "airflow-scheduler")
VICTIMS = (DRIVER, *SERVICES)
POLL_SECONDS = 0.5
DRIVER_SECONDS = 120
"""How long a rehearsal waits for a driver to kill."""


@dataclass(frozen=True)
class Shot:
    """One kill: the victim and the processes that were killed."""

    victim: str
    pids: tuple[int, ...]


def drivers(env_file: Path) -> list[psutil.Process]:
    """The processes of the Spark drivers that work for a shop: the JVM of ``spark-submit`` and its Python."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if is_at_work(process.cmdline()) and process.environ().get("TRADEWIND_ENV_FILE") == str(env_file):
                found.append(process)
    return found


def is_at_work(command: Sequence[str]) -> bool:
    """Whether a command line is that of a driver with a task, not of one that waits for its next."""
    place = next((number for number, part in enumerate(command) if part.endswith(f"bin/{DRIVER_SCRIPT}")), None)
    if place is None:
        return any(part.endswith(f"bin/{ENTRY}") for part in command) and not any(part.endswith("bin/submit.py") for part in command)
    folder, key, name, _ = command[place + 1 :]
    return not Place(Path(folder), key, name).idle.exists()


def shoot(stack: Stack, victim: str, chance: Random) -> Shot | None:
    """Kill the victim with -9; None when it was a driver and none came."""
    if victim != DRIVER:
        pid = stack.supervisor.states()[victim].pid
        psutil.Process(pid).kill()
        return Shot(victim, (pid,))
    deadline = time.monotonic() + DRIVER_SECONDS
    while time.monotonic() < deadline:
        running = drivers(stack.env_file)
        if running:
            time.sleep(chance.uniform(0, 20))  # somewhere in its life, not always at its start
            killed = []
            for process in drivers(stack.env_file):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
                    killed.append(process.pid)
            if killed:
                return Shot(victim, tuple(killed))
        time.sleep(POLL_SECONDS)
    return None


def await_service(stack: Stack, shot: Shot, seconds: float = 300) -> None:
    """Wait until the killed service runs again and is healthy; raises StackError when it does not come back."""
    ailment = stack.ailments()[shot.victim]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = stack.supervisor.states().get(shot.victim)
        if state and state.state == "RUNNING" and state.pid not in shot.pids and ailment() is None:
            return
        time.sleep(POLL_SECONDS)
    raise StackError(f"{shot.victim} has not come back after {seconds:.0f} s.", advice=f"Its log: {stack.supervisor.logs}")


def plan(kills: int, seed: int, victims: Sequence[str] = VICTIMS) -> list[str]:
    """Victims in a seeded order, each as often as the others, give or take one.

    >>> sorted(plan(4, seed=1, victims=("a", "b")))
    ['a', 'a', 'b', 'b']
    """
    chance = Random(seed)  # noqa: S311 - chance, not secrets
    order = [victims[number % len(victims)] for number in range(kills)]
    chance.shuffle(order)
    return order
