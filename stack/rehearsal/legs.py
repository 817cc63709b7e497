"""One day through the live scheduler while victims are killed, and what came of each kill."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from random import Random

from stack.demo.airflow_api import AirflowApi, Attempt, Run
from stack.errors import StackError
from stack.rehearsal.victims import DRIVER, Shot, await_service, shoot
from stack.services import Stack

POLL_SECONDS = 2.0
LONGEST_DAY_SECONDS = 2_400
RESTART_SECONDS = 600
"""How long a task may take to run again after its driver was killed."""

Report = Callable[[str], None]


@dataclass(frozen=True)
class Kill:
    """One kill: when, of what, what came of it, and the seconds until the platform worked on."""

    number: int
    day: date
    moment: str
    victim: str
    outcome: str
    seconds: float


@dataclass
class DisturbedDay:
    """A day from ``refine_daily`` to its release; ``victims`` are killed one after the other, at moments that ``chance`` gives."""

    stack: Stack
    api: AirflowApi
    chance: Random
    report: Report
    kills: list[Kill] = field(default_factory=list)
    cleared: int = 0
    """Tasks that failed for good and were cleared, as the runbook tells a person to."""

    def run(self, day: date, run_id: str, victims: list[str]) -> Run:
        """Go on until the day is released; victims that are left then stay in the list. Raises StackError when it takes too long."""
        run, released = self.api.start("refine_daily", run_id, key=str(day)), False
        deadline = time.monotonic() + LONGEST_DAY_SECONDS
        next_kill = time.monotonic() + self.chance.uniform(5, 20)
        while time.monotonic() < deadline:
            run = self._found(run)
            if run.state == "success":
                if released:
                    return run
                following = self._release_of(run)
                run, released = (following, True) if following else (run, False)
            elif run.state == "failed":
                self.cleared += 1
                self.report(f"{run.dag_id} of {day} failed for good and is cleared")
                self.api.start_over(run)
            if victims and time.monotonic() > next_kill and run.state in {"queued", "running"}:
                self._kill(day, run, victims.pop())
                next_kill = time.monotonic() + self.chance.uniform(5, 35)
            time.sleep(POLL_SECONDS)
        raise StackError(f"{day} is not released after {LONGEST_DAY_SECONDS} s.", advice=f"Look at {self.api.url}/dags/{run.dag_id}")

    def _kill(self, day: date, run: Run, victim: str) -> None:
        shot = shoot(self.stack, victim, self.chance)
        began = time.monotonic()
        hit = self._running(run)
        moment = f"{run.dag_id}.{hit.task_id}, attempt {hit.try_number}" if hit else f"{run.dag_id}, between tasks"
        if shot is None:
            outcome = "there was no driver to kill"
        elif victim == DRIVER:
            outcome = self._after_driver(run, hit, shot)
        else:
            await_service(self.stack, shot)
            outcome = "back and healthy"
        kill = Kill(len(self.kills) + 1, day, moment, victim, outcome, time.monotonic() - began)
        self.kills.append(kill)
        self.report(f"kill {kill.number}: {victim} during {moment}: {outcome} ({kill.seconds:.0f} s)")

    def _after_driver(self, run: Run, hit: Attempt | None, shot: Shot) -> str:
        deadline = time.monotonic() + RESTART_SECONDS
        while hit and time.monotonic() < deadline:
            now = next((attempt for attempt in self.api.attempts(run) if attempt.task_id == hit.task_id), hit)
            if now.state == "success":
                return "it had done its work already"
            if now.state == "running" and now.try_number > hit.try_number:
                return f"attempt {now.try_number} runs"
            if now.state == "failed":
                return "failed for good"
            time.sleep(POLL_SECONDS)
        return f"killed {len(shot.pids)} processes, no task was running" if hit is None else "no further attempt came"

    def _running(self, run: Run) -> Attempt | None:
        return next((attempt for attempt in self.api.attempts(run) if attempt.state == "running"), None)

    def _found(self, run: Run) -> Run:
        found = self.api.find_run(run.dag_id, run.run_id)
        if found is None:
            raise StackError(f"Run {run.run_id} of {run.dag_id} is gone.", advice="Airflow's database has lost it.")
        return found

    def _release_of(self, refined: Run) -> Run | None:
        ended = refined.ended_at or refined.run_after
        runs = self.api.runs_of_key("release_daily", refined.partition_key or "")
        return next((run for run in runs if (ended - run.run_after).total_seconds() < 120), None)
