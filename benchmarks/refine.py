"""``python -m benchmarks.refine [--events 10000000] [--rounds 3]``: landing to gold beside a bare script, DuckDB and Polars.

A day of a made shop lands (``benchmarks/landed_shop.py``; drawn once, kept below ``.local``). In each round every contestant refines it in
a process of its own, one after the other, with two cores, after a warm-up on a small day:

- ``platform``: the tasks bronze, silver and gold of ``refine_daily`` as they are, with markers, branches, audits, states, rejected lines,
  records and Data Docs, from the object store into an empty catalog;
- ``bare``: ``benchmarks/bare_refine.py``, from local files into tables of the same catalog and object store. Its tables must equal the
  platform's, by content hash (rejected lines it has none, and no hash of files);
- ``duckdb``, ``polars``: events, sessions, interactions and user features only, from local files to local Parquet
  (``benchmarks/refine_rivals.py`` says what they leave out). Their Python is named by ``--rivals-python``, an environment with duckdb,
  polars and pyarrow; without it they are left out.

Both Spark contestants have the same session: a JVM with its own choice of compiler and collector, adaptive execution, the same heap.
``--growth`` measures the platform alone, at 1, 2, 4 and 8 eighths of ``--events``. Writes ``benchmarks/refine.md``
(``refine_growth.md``); exit 1 where a claim of docs/performance.md does not hold.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from benchmarks.bare_refine import BareRefine
from benchmarks.daily_run import Cost
from benchmarks.landed_shop import SOURCE, Shop, days, written
from benchmarks.process_tree import cpu_seconds, watched
from benchmarks.refine_rivals import SUMMED
from jobs.content_hash import content_hash
from jobs.contract import Table
from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.session import spark_session
from jobs.settings import Settings
from jobs.tables import contract_of
from stack.services import BASE, Stack, temporary
from stack.settings import CHECKOUT, StackSettings
from tests.worlds import TASKS, World, world

PAGE = Path(__file__).with_suffix(".md")
GROWTH_PAGE = PAGE.with_stem("refine_growth")
CORES, HEAP, SHUFFLE_PARTITIONS = 2, "4g", 32
PLATFORM, BARE, DUCKDB, POLARS = "platform", "bare", "duckdb", "polars"
SPARK, RIVALS = (PLATFORM, BARE), (DUCKDB, POLARS)
WARM_UP_EVENTS = 20_000
COMPARED = (
    *("bronze.events", "bronze.orders", "bronze.items"),
    *("silver.events", "silver.order_lines", "silver.item_observations", "silver.items", "silver.sessions"),
    *("gold.interactions", "gold.daily_item_stats", "gold.daily_funnels", "gold.user_features", "gold.item_features"),
)
MOST_TIMES_BARE = 1.5
MOST_TIMES_PROPORTIONAL = 1.1
WORKER_MB, JVM_MB = 600, 6_000
"""What a task's Python and a driver's JVM with that heap may hold, whatever the size of the day."""
EIGHTHS = (1, 2, 4, 8)

Found = dict[str, Any]


def session(services: Settings, logs: Path) -> SparkSession:
    """The session of both Spark contestants, with an event log."""
    conf = logs / "conf"
    conf.mkdir()
    lines = {"spark.eventLog.enabled": "true", "spark.eventLog.compress": "false", "spark.eventLog.dir": f"file://{logs}"}
    lines |= {"spark.ui.enabled": "false", "spark.local.dir": str(logs / "local"), "spark.driver.extraJavaOptions": "-Duser.timezone=UTC"}
    (conf / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in lines.items()), encoding="utf-8")
    os.environ["SPARK_CONF_DIR"] = str(conf)
    spark = spark_session(services, "refine")
    spark.sparkContext.setLogLevel("ERROR")
    spark.sparkContext.setCheckpointDir(str(logs / "checkpoints"))
    return spark


def empty_world(services: Settings, spark: SparkSession, name: str) -> World:
    """A bucket and a catalog of its own."""
    made = world(services, spark, name, SOURCE)
    made.spark.conf.set("spark.sql.shuffle.partitions", str(SHUFFLE_PARTITIONS))
    return made


def refined(contestant: str, place: World, data: Path) -> dict[str, float]:
    """Refine the day; seconds by layer."""
    if contestant == BARE:
        script = BareRefine(place.spark, data, place.settings.pseudonym_key)
        script.run()
        return script.seconds
    for path in sorted(data.rglob("*")):
        if path.is_file():
            place.store.upload(path, str(path.relative_to(data)))
    seconds = {}
    for layer, names in TASKS.items():
        began = time.perf_counter()
        place.run(Interval(*days()), "refine", [names])
        seconds[layer] = time.perf_counter() - began
    return seconds


def spark_run(contestant: str, services: Settings, data: Path, warm: Path, *, hashed: bool) -> Found:
    """Warm up, refine, and tell: seconds by layer, what Spark was asked to do, and what the tables hold."""
    with tempfile.TemporaryDirectory(prefix="tradewind-refine-") as folder:
        logs = Path(folder)
        spark = session(services, logs)
        tag = f"{contestant}_{secrets.token_hex(3)}"
        refined(contestant, empty_world(services, spark, f"warm_{tag}"), warm)
        place, since_ms, cpu = empty_world(services, spark, f"timed_{tag}"), time.time() * 1_000, cpu_seconds()
        seconds = refined(contestant, place, data)
        until_ms = time.time() * 1_000
        found: Found = {"seconds": seconds, "cpu": cpu_seconds() - cpu}
        if hashed:
            found |= {"hashes": hashes(place), "sums": sums(place)}
        spark.stop()
        cost, task_mb, shares = _cost(logs, since_ms, until_ms)
        return found | {"cost": asdict(cost), "task_mb": task_mb, "shares": shares}


def hashes(place: World) -> dict[str, str]:
    """Content hash of each table, ``<row count>-<hex>``, without what only the platform knows: the hash of a file."""
    attempt = Attempt(run_id="look", attempt=1, interval=Interval(*days()), code_version="benchmark")
    lake = Lake(place.spark, attempt)
    return {name: content_hash(lake.read(contract_of(name)), _compared(contract_of(name))) for name in COMPARED}


def sums(place: World) -> dict[str, int]:
    """The sum of one column of each table that the rivals have too."""
    return {name: int(place.spark.table(f"lake.{name}").agg(F.sum(column)).collect()[0][0]) for name, column in SUMMED.items()}


def _compared(table: Table) -> Table:
    return replace(table, columns=tuple(column for column in table.columns if column.name != "file_sha256"))


def _cost(logs: Path, since_ms: float, until_ms: float) -> tuple[Cost, float, dict[str, float]]:
    """What Spark was asked to do, the most execution memory that a task took, and core seconds of tasks by where they were asked for."""
    cost, most = Cost(), 0.0
    shares: dict[str, float] = {}
    names: dict[int, str] = {}
    for file in (file for file in logs.rglob("*") if file.is_file() and (file.name.startswith(("events", "local-")))):
        with file.open(encoding="utf-8") as lines:
            for event in map(json.loads, lines):
                info, stage = event.get("Task Info", {}), event.get("Stage Info", {})
                at = event.get("time") or event.get("Submission Time") or info.get("Launch Time") or stage.get("Submission Time") or 0
                if event["Event"] == "SparkListenerJobStart":
                    asked = event.get("Properties", {}).get("spark.job.description") or stage_name(event)
                    names |= dict.fromkeys(event["Stage IDs"], asked)
                if since_ms <= at <= until_ms:
                    cost.add(event)
                    metrics = event.get("Task Metrics") or {}
                    most = max(most, metrics.get("Peak Execution Memory", 0) / (1 << 20))
                    if info:
                        name = names.get(event["Stage ID"], "")
                        shares[name] = shares.get(name, 0.0) + metrics.get("Executor Run Time", 0) / 1_000
    return cost, most, shares


def stage_name(event: Mapping[str, Any]) -> str:
    """Where the last stage of a job was asked for."""
    return max(event["Stage Infos"], key=lambda one: one["Stage ID"])["Stage Name"] if event["Stage Infos"] else ""


def contested(contestant: str, stack: Stack, data: Path, warm: Path, rivals_python: Path | None, *, hashed: bool) -> Found:
    """Run one contestant in a process of its own, and watch its memory; raises CalledProcessError when it fails."""
    if contestant in RIVALS:
        command = [str(rivals_python), "-m", f"benchmarks.refine_in_{contestant}", str(data), str(warm)]
        environment = {**os.environ, "PSEUDONYM_KEY": stack.credentials.pseudonym_key, "POLARS_MAX_THREADS": str(CORES)}
    else:
        command = [sys.executable, "-m", "benchmarks.refine", "--contestant", contestant, "--data", str(data), "--warm", str(warm)]
        command += ["--hashed"] if hashed else []
        environment = stack.environment() | {"PYSPARK_PYTHON": sys.executable}
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        child = subprocess.Popen(command, stdout=out, cwd=CHECKOUT, env=environment)
        with watched(child.pid) as peak:
            code = child.wait()
        if code:
            raise subprocess.CalledProcessError(code, command)
        out.seek(0)
        found: Found = json.loads(out.read().splitlines()[-1])
    found |= {"peak": asdict(peak), "whole": sum(found["seconds"].values())}
    told = {what: round(figure, 1) for what, figure in found["seconds"].items()}
    print(f"{contestant}: {found['whole']:.1f} s {told}, peak {peak.whole:,.0f} MB; {time.perf_counter() - began:.0f} s in all", flush=True)
    return found


def drawn(events: int) -> Path:
    """The folder of a day of that size, drawn where it is not there yet."""
    place = StackSettings.from_environment().local_dir / "benchmarks" / f"refine-{events}"
    done = place / "drawn"
    if not done.exists():
        written(Shop(events), place)
        done.parent.mkdir(exist_ok=True)
        done.touch()
    return place


def differing(rounds: Sequence[Mapping[str, Found]]) -> list[str]:
    """Tables that the contestants do not agree on; by content hash, of rivals by rows and sums."""
    first = rounds[0]
    wrong = []
    if PLATFORM in first and BARE in first:
        ours, theirs = first[PLATFORM]["hashes"], first[BARE]["hashes"]
        wrong += [f"{name}: {ours[name]} and {theirs[name]} (bare)" for name in COMPARED if ours[name] != theirs[name]]
    if PLATFORM in first:
        rows = {name: int(first[PLATFORM]["hashes"][name].partition("-")[0]) for name in SUMMED}
        for rival in (one for one in RIVALS if one in first):
            for what, ours in (("rows", rows), ("sums", first[PLATFORM]["sums"])):
                theirs = first[rival][what]
                wrong += [f"{name}: {what} {ours[name]} and {theirs[name]} ({rival})" for name in ours if ours[name] != theirs[name]]
    return wrong


def claims(rounds: Sequence[Mapping[str, Found]]) -> dict[str, bool]:
    """What docs/performance.md says, held against the figures."""
    held = {"all contestants have the same rows": not differing(rounds)} if len(rounds[0]) > 1 else {}
    if PLATFORM in rounds[0] and BARE in rounds[0]:
        held[f"the platform takes at most {MOST_TIMES_BARE} times as long as the bare script (median)"] = (
            median(ratios(rounds, BARE)) <= MOST_TIMES_BARE
        )
    return held | _bounded([one[PLATFORM] for one in rounds if PLATFORM in one])


def _bounded(runs: Sequence[Found]) -> dict[str, bool]:
    if not runs:
        return {}
    return {
        f"the driver's JVM stays below {JVM_MB:,} MB with a heap of {HEAP}": max(one["peak"]["jvm"] for one in runs) < JVM_MB,
        f"the Python of a task stays below {WORKER_MB} MB": max(one["peak"]["worker"] for one in runs) < WORKER_MB,
    }


def ratios(rounds: Sequence[Mapping[str, Found]], rival: str, what: str = "whole") -> list[float]:
    """How many times as long as the rival the platform took, round by round."""
    return [one[PLATFORM][what] / one[rival][what] for one in rounds if PLATFORM in one and rival in one]


def page(events: int, rounds: Sequence[Mapping[str, Found]]) -> str:
    """The table, the ratios, and which claims hold."""
    shop = Shop(events)
    lines = [
        "# Landing to gold beside a bare script",
        "",
        f"`python -m benchmarks.refine --events {events} --rounds {len(rounds)}`: {events:,} events of one day in {shop.files} files, "
        f"{shop.users:,} users, {shop.items:,} items, {CORES} cores, a heap of {HEAP}; seconds, by the clock and of processors, are the "
        "least and the median of the rounds; memory in MB is the most of all rounds: of the JVM, of a task's Python, execution memory of a "
        "task, and of all processes.",
        "",
        "| | bronze | silver | gold | all | processor | queries | jobs | tasks | JVM | Python | execution | all memory |",
        "|---|---|---|---|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for contestant in rounds[0]:
        runs = [one[contestant] for one in rounds]
        layers = [_told([one["seconds"][layer] for one in runs if layer in one["seconds"]]) for layer in TASKS]
        cost = runs[-1].get("cost", {})
        counts = [str(cost.get(what, "")) for what in ("queries", "jobs", "tasks")]
        peaks = [max(one["peak"][what] for one in runs) for what in ("jvm", "worker")]
        peaks += [max(one.get("task_mb", 0.0) for one in runs), max(one["peak"]["whole"] for one in runs)]
        memory = [f"{size:,.0f}" if size else "" for size in peaks]
        seconds = [_told([one[what] for one in runs]) for what in ("whole", "cpu")]
        lines.append(f"| {' | '.join([contestant, *layers, *seconds, *counts, *memory])} |")
    lines += ["", "| the platform takes, times as long as | by the clock: least, median | by processor time |", "|---|---|---|"]
    for rival in (one for one in rounds[0] if PLATFORM in rounds[0] and one != PLATFORM):
        clock, cpu = (ratios(rounds, rival, what) for what in ("whole", "cpu"))
        lines.append(f"| {rival} | {min(clock):.2f}, {median(clock):.2f} | {min(cpu):.2f}, {median(cpu):.2f} |")
    for rival in (one for one in RIVALS if PLATFORM in rounds[0] and one in rounds[0]):
        times = median(ratios(rounds, rival))
        told = f"wins on one machine, {times:.1f} times as fast" if times > 1 else f"does not win ({times:.1f} times as fast)"
        lines += ["", f"{rival} {told}: for four of the twelve tables, in local files, without what the platform keeps beside them."]
    lines += ["", *(f"- differs: {one}" for one in differing(rounds))]
    lines += [f"- {'holds' if holds else 'DOES NOT HOLD'}: {claim}" for claim, holds in claims(rounds).items()]
    return "\n".join([*lines, ""])


def _told(seconds: Sequence[float]) -> str:
    return f"{min(seconds):.1f}, {median(seconds):.1f}" if seconds else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the day where it is not there yet, run the rounds, write the page, hold the claims to the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.refine", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contestants", nargs="+", choices=(*SPARK, *RIVALS), default=(*SPARK, *RIVALS))
    parser.add_argument("--rivals-python", type=Path, help="the Python of an environment with duckdb, polars and pyarrow")
    parser.add_argument("--growth", action="store_true", help="the platform alone, at 1, 2, 4 and 8 eighths of --events")
    parser.add_argument("--to", type=Path, help="where the page goes")
    parser.add_argument("--contestant", choices=SPARK, help="only this one, in this process, on the services of TRADEWIND_ENV_FILE")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--warm", type=Path)
    parser.add_argument("--hashed", action="store_true")
    options = parser.parse_args(arguments)
    if options.contestant:
        own = {"spark_driver_memory": HEAP, "spark_master": f"local[{CORES}]", "source": SOURCE}
        services = Settings.from_environment().model_copy(update=own)
        print(json.dumps(spark_run(options.contestant, services, options.data, options.warm, hashed=options.hashed)))
        return 0
    wanted = [one for one in options.contestants if one not in RIVALS or options.rivals_python]
    warm = drawn(WARM_UP_EVENTS)
    stack = temporary(StackSettings.from_environment().local_dir / "test-stacks" / f"{os.getpid()}-{secrets.token_hex(3)}", source=SOURCE)
    try:
        stack.start(names=BASE)
        if options.growth:
            return grown(stack, options.events, options.rounds, warm, options.to or GROWTH_PAGE)
        data = drawn(options.events)
        rounds = [
            {one: contested(one, stack, data, warm, options.rivals_python, hashed=number == 0) for one in wanted}
            for number in range(options.rounds)
        ]
    finally:
        stack.remove()
    found = page(options.events, rounds)
    (options.to or PAGE).write_text(found, encoding="utf-8")
    print(found)
    return 0 if all(claims(rounds).values()) else 1


def grown(stack: Stack, events: int, rounds: int, warm: Path, to: Path) -> int:
    """Measure the platform at growing sizes, and hold it to proportion."""
    sizes = [events * eighth // EIGHTHS[-1] for eighth in EIGHTHS]
    runs = {size: [contested(PLATFORM, stack, drawn(size), warm, None, hashed=False) for _ in range(rounds)] for size in sizes}
    found, held = growth_page(events, runs)
    to.write_text(found, encoding="utf-8")
    print(found)
    return 0 if all(held.values()) else 1


def growth_page(events: int, runs: Mapping[int, Sequence[Found]]) -> tuple[str, dict[str, bool]]:
    """The table of growth, and which claims hold."""
    seconds = {size: median(one["whole"] for one in found) for size, found in runs.items()}
    sizes = list(seconds)
    lines = [
        "# Landing to gold of a growing day",
        "",
        f"`python -m benchmarks.refine --growth --events {events} --rounds {len(runs[sizes[0]])}`: the platform alone, {CORES} cores, "
        f"a heap of {HEAP}; seconds are the median of the rounds, memory is the most of all rounds in MB.",
        "",
        "| events | seconds | by proportion to the smallest | to the one before | JVM | Python of a task | execution memory of a task |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    held: dict[str, bool] = {}
    for place, size in enumerate(sizes):
        before = sizes[max(0, place - 1)]
        to_first, to_before = (seconds[size] / seconds[one] * one / size for one in (sizes[0], before))
        peak = [max(one["peak"][what] for one in runs[size]) for what in ("jvm", "worker")] + [max(one["task_mb"] for one in runs[size])]
        memory = " | ".join(f"{one:,.0f}" for one in peak)
        lines.append(f"| {size:,} | {seconds[size]:.1f} | {to_first:.2f} | {to_before:.2f} | {memory} |")
        if place:
            claim = f"{size:,} events take at most {MOST_TIMES_PROPORTIONAL} times the time in proportion to half as many"
            held[claim] = to_before <= MOST_TIMES_PROPORTIONAL
    held |= _bounded([one for found in runs.values() for one in found])
    lines += ["", *(f"- {'holds' if holds else 'DOES NOT HOLD'}: {claim}" for claim, holds in held.items())]
    return "\n".join([*lines, ""]), held


if __name__ == "__main__":
    sys.exit(main())
