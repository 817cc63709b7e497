"""What a shop's daily run costs, task by task: ``python -m benchmarks.daily_run [--rounds 2] [--shop synthetic]``.

The shop's services run (``make demo``, or ``make up``), and its last day has been released once. Each round refines and releases that day
again, twice: with a driver a task, and with one that stays (``bin/submit.py``, ADR 9); every round begins with no driver. Counted is what
Spark's event log tells: queries, jobs, stages, tasks, stages that write a shuffle, and times that a plan crosses into Python. The table
goes to ``benchmarks/daily_run.md``.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from jobs.catalog import REFINE, RELEASE, Task
from jobs.release import releases
from stack.services import Stack
from stack.settings import CHECKOUT
from stack.shop import store_of
from stack.submission import FOLDER_VARIABLE, IDLE_VARIABLE

TABLE = Path(__file__).with_suffix(".md")
EACH, ONE = "a driver a task", "one driver stays"
CROSSING = re.compile(
    r"\((\d+)\) (?:\w*EvalPython|MapInArrow|MapInPandas|PythonMapInArrow|FlatMap(?:Co)?Groups\w+|\w*Aggregate(?:In)?P\w+)\b"
)


@dataclass
class Cost:
    """Of one task: seconds from its command line to its exit code, and what Spark was asked to do."""

    seconds: float = 0.0
    queries: int = 0
    jobs: int = 0
    stages: int = 0
    tasks: int = 0
    shuffles: int = 0
    crossings: int = 0

    def add(self, event: Mapping[str, Any]) -> None:
        """Count one event of the log."""
        match str(event["Event"]).rpartition(".")[2]:
            case "SparkListenerSQLExecutionStart":
                self.queries += 1
                self.crossings += len(set(CROSSING.findall(event["physicalPlanDescription"])))
            case "SparkListenerJobStart":
                self.jobs += 1
            case "SparkListenerStageCompleted":
                self.stages += 1
                names = {one["Name"] for one in event["Stage Info"].get("Accumulables", ())}
                self.shuffles += "internal.metrics.shuffle.write.bytesWritten" in names
            case "SparkListenerTaskEnd":
                self.tasks += 1
            case _:
                pass


Round = dict[str, Cost]


def last_released(stack: Stack) -> date:
    """The newest day that the shop has released."""
    keys = releases.committed(store_of(stack))
    if not keys:
        message = f"shop {stack.shop} has released nothing yet; run make demo first"
        raise SystemExit(message)
    return keys[-1].day


def run(stack: Stack, day: date, number: int, *, stays: bool, conf: Path) -> Round:
    """Refine and release the day once."""
    with tempfile.TemporaryDirectory() as drivers, tempfile.TemporaryDirectory() as logs:
        environment = stack.environment() | {
            "SPARK_CONF_DIR": str(_with_event_log(stack, conf, Path(logs))),
            FOLDER_VARIABLE: drivers,
            IDLE_VARIABLE: "60" if stays else "0",
        }
        run_id = f"benchmark_{'one' if stays else 'each'}_{number}_{int(time.time())}"
        found = {task.name: _task(task, day, run_id, environment, Path(logs)) for task in (*REFINE, *RELEASE)}
        for socket in Path(drivers).glob("*"):  # the driver that has stayed finds its socket gone, and leaves
            socket.unlink()
        return found


def _with_event_log(stack: Stack, conf: Path, logs: Path) -> Path:
    """The shop's Spark defaults, with an event log."""
    for file in (stack.state / "conf" / "spark").iterdir():
        (conf / file.name).write_bytes(file.read_bytes())
    with (conf / "spark-defaults.conf").open("a", encoding="utf-8") as defaults:
        defaults.write(f"spark.eventLog.enabled true\nspark.eventLog.compress false\nspark.eventLog.dir file://{logs}\n")
    return conf


def _task(task: Task, day: date, run_id: str, environment: Mapping[str, str], logs: Path) -> Cost:
    interval = ["--start", str(day), "--end", str(day + timedelta(days=1)), "--run-id", run_id]
    command = [
        *(sys.executable, str(CHECKOUT / "bin" / "submit.py"), "--master", "local[2]", "--name", task.name),
        *(str(CHECKOUT / "bin" / "spark_entry.py"), *task.tables, *interval),
    ]
    before, began = set(logs.iterdir()), time.monotonic()
    ended = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    cost = Cost(time.monotonic() - began)
    if ended.returncode:
        message = f"{task.name} ended with {ended.returncode}:\n{ended.stdout[-3_000:]}"
        raise SystemExit(message)
    for event in _events(set(logs.iterdir()) - before):
        cost.add(event)
    print(f"{task.name}: {cost.seconds:.1f} s, {cost.jobs} jobs", flush=True)
    return cost


def _events(folders: set[Path]) -> Iterator[dict[str, Any]]:
    for file in (file for folder in folders for file in ([folder] if folder.is_file() else folder.glob("events*"))):
        with file.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def table(rounds: Mapping[str, Sequence[Round]]) -> str:
    """Markdown: counts of the last round, median seconds of both, and the ratio of the whole."""
    counted = [one.name for one in fields(Cost) if one.name != "seconds"]
    lines = [
        f"| task | {' | '.join(counted)} | s, {EACH} | s, {ONE} |",
        "|---|" + "--:|" * (len(counted) + 2),
    ]
    last = rounds[ONE][-1]
    for name, cost in last.items():
        times = [statistics.median(one[name].seconds for one in rounds[how]) for how in (EACH, ONE)]
        lines.append(f"| {name} | {' | '.join(str(getattr(cost, one)) for one in counted)} | {times[0]:.1f} | {times[1]:.1f} |")
    sums = {how: [sum(cost.seconds for cost in one.values()) for one in rounds[how]] for how in (EACH, ONE)}
    whole = [sum(getattr(cost, one) for cost in last.values()) for one in counted]
    medians = [statistics.median(sums[how]) for how in (EACH, ONE)]
    lines.append(f"| **all** | {' | '.join(map(str, whole))} | {medians[0]:.1f} | {medians[1]:.1f} |")
    ratios = [each / one for each, one in zip(sums[EACH], sums[ONE], strict=True)]
    lines.append(
        f"\nWith one driver the run is {statistics.median(ratios):.2f} times as fast (median of {len(ratios)} rounds, {min(ratios):.2f} at "
        "least), each round against the one beside it."
    )
    return "\n".join(lines)


def main() -> int:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="how often each way is gone, in turns")
    parser.add_argument("--shop", default="synthetic", help="whose last day is done again")
    options = parser.parse_args()
    stack = Stack.load(options.shop)
    day = last_released(stack)
    rounds: dict[str, list[Round]] = {EACH: [], ONE: []}
    with tempfile.TemporaryDirectory() as conf:
        for number in range(options.rounds):
            for how in (EACH, ONE):
                print(f"== round {number + 1}: {how}", flush=True)
                rounds[how].append(run(stack, day, number, stays=how == ONE, conf=Path(conf)))
    found = f"Day {day} of shop {stack.shop}, {os.cpu_count()} cores.\n\n{table(rounds)}\n"
    print(found)
    TABLE.write_text(f"# The daily run\n\n`python -m benchmarks.daily_run --rounds {options.rounds}`\n\n{found}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
