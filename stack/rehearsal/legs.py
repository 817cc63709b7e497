"""The runs of a rehearsal, and what came of each kill that fell into one."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

from stack.demo.airflow_api import AirflowApi, Attempt, Run
from stack.demo.watching import await_run_of_key, failure, follow
from stack.errors import StackError
from stack.rehearsal.victims import DRIVER, Shot, await_service, shoot
from stack.services import Stack

POLL_SECONDS = 2.0
LONGEST_RUN_SECONDS = 2_400
RESTART_SECONDS = 600
"""How long a task may take to run again after its driver was killed."""

SCHEDULER_SECONDS = 120
"""For how long a scheduler that was killed may leave a run open whose last task has ended."""

LOAD, REFINE, RELEASE = "load_history", "refine_daily", "release_daily"
TRAININGS = ("train_segments_weekly", "train_recommender_weekly")
DAGS = (LOAD, *TRAININGS, REFINE, RELEASE)

Report = Callable[[str], None]


@dataclass(frozen=True)
class Leg:
    """A run of a DAG; that of ``refine_daily`` with the release which follows it. ``day`` is its last landing day."""

    dag_id: str
    day: date
    first_day: date

    @property
    def is_training(self) -> bool:
        """Whether it makes a model, which goes into the releases after it."""
        return self.dag_id in TRAININGS

    def start(self, api: AirflowApi, name: str) -> Run:
        """Start it under a name of its own."""
        run_id = f"{name}__{self.dag_id}_{self.day}"
        if self.dag_id == REFINE:
            return api.start(REFINE, run_id, key=str(self.day))
        interval = {"start": str(self.first_day), "end": str(self.day + timedelta(days=1))}
        return api.start(self.dag_id, run_id, conf=interval if self.dag_id == LOAD else {"day": str(self.day)})


def itinerary(days: Sequence[date], daily: int) -> list[Leg]:
    """The days but the last ``daily`` ones as one history, the trainings on it, then day by day.

    >>> [leg.dag_id for leg in itinerary([date(2026, 6, 28), date(2026, 6, 29), date(2026, 6, 30)], daily=1)]
    ['load_history', 'train_segments_weekly', 'train_recommender_weekly', 'refine_daily']
    """
    history, rest = days[:-daily], days[-daily:]
    return [*(Leg(dag_id, history[-1], history[0]) for dag_id in (LOAD, *TRAININGS)), *(Leg(REFINE, day, day) for day in rest)]


def undisturbed(leg: Leg, api: AirflowApi, name: str, report: Report) -> None:
    """Run a leg to its end; raises StackError when it fails."""
    run = follow(api, leg.start(api, name), report)
    if leg.dag_id == REFINE:
        follow(api, await_run_of_key(api, RELEASE, str(leg.day), after=run), report)


@dataclass(frozen=True)
class Kill:
    """One kill: seconds after the beginning, in which leg and task, of what, what came of it, and the seconds until it was well again."""

    number: int
    at: float
    day: date
    moment: str
    victim: str
    outcome: str
    seconds: float


@dataclass(frozen=True)
class _Open:
    """A kill of a service whose effect on the task that ran is not known yet."""

    index: int
    hit: Attempt


@dataclass
class Disturbed:
    """Legs while victims are killed one after the other, at moments that ``chance`` gives."""

    stack: Stack
    api: AirflowApi
    chance: Random
    report: Report
    kills: list[Kill] = field(default_factory=list)
    cleared: int = 0
    """Runs that failed for good and were cleared, as the runbook tells a person to."""

    _cleared_after: int = 0
    """Kills there had been at the last clear."""

    _began: float = field(default_factory=time.monotonic)
    _open: list[_Open] = field(default_factory=list)

    def go(self, leg: Leg, name: str, victims: list[str]) -> None:
        """A leg to its end; victims that are left then stay in the list. Raises StackError when it takes too long."""
        run = self._through(leg, leg.start(self.api, name), victims)
        if leg.dag_id == REFINE:
            self._through(leg, self._release_of(leg, run), victims)

    def _through(self, leg: Leg, run: Run, victims: list[str]) -> Run:
        deadline = time.monotonic() + LONGEST_RUN_SECONDS
        next_kill = time.monotonic() + self.chance.uniform(3, 15)
        while time.monotonic() < deadline:
            run = self._found(run)
            self._settle(run)
            if run.state == "success":
                return run
            if run.state == "failed":
                self._clear(leg, run)
            if victims and time.monotonic() > next_kill and run.state in {"queued", "running"}:
                self._settle(run, is_last_word=True)
                self._kill(leg, run, victims.pop())
                next_kill = time.monotonic() + self.chance.uniform(5, 35)
            time.sleep(POLL_SECONDS)
        raise StackError(
            f"{run.dag_id} of {leg.day} has no end after {LONGEST_RUN_SECONDS} s.", advice=f"Look at {self.api.url}/dags/{run.dag_id}"
        )

    def _clear(self, leg: Leg, run: Run) -> None:
        """As the runbook tells a person to; raises StackError where nothing was killed since the last time: then it is not the kills."""
        if self._cleared_after == len(self.kills):
            raise failure(self.api, run)
        self._cleared_after = len(self.kills)
        self.cleared += 1
        self.report(f"{run.dag_id} of {leg.day} failed for good and is cleared")
        self.api.start_over(run)

    def _kill(self, leg: Leg, run: Run, victim: str) -> None:
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
            if hit:
                self._open.append(_Open(len(self.kills), hit))
        kill = Kill(len(self.kills) + 1, began - self._began, leg.day, moment, victim, outcome, time.monotonic() - began)
        self.kills.append(kill)
        self.report(f"kill {kill.number}: {victim} during {moment}: {outcome} ({kill.seconds:.0f} s)")

    def _settle(self, run: Run, *, is_last_word: bool = False) -> None:
        """Write down what became of the tasks that ran when a service was killed."""
        if not self._open:
            return
        now = {attempt.task_id: attempt for attempt in self.api.attempts(run)}
        still = []
        for one in self._open:
            task = now.get(one.hit.task_id, one.hit)
            if task.try_number > one.hit.try_number or task.state in {"up_for_retry", "failed"}:
                effect = "the task began anew"
            elif task.state == "success" or is_last_word or run.state == "success":
                effect = "the task went on"
            else:
                still.append(one)
                continue
            kill = self.kills[one.index]
            self.kills[one.index] = replace(kill, outcome=f"{kill.outcome}; {effect}")
        self._open = still

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

    def _release_of(self, leg: Leg, refined: Run) -> Run:
        return await_run_of_key(self.api, RELEASE, str(leg.day), after=refined, seconds=RESTART_SECONDS, before_end=SCHEDULER_SECONDS)
