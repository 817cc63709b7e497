"""Fourteen real days, some rows late: loaded in one go, day by day, and in a shuffled order, compared table by table.

``python -m benchmarks.history_equals_days --input FILE`` (alibaba2014's ``events.csv.gz``); exit 1 when a hash differs. Starts services of
its own and removes them.
"""

import argparse
import gzip
import hashlib
import os
import random
import secrets
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from jobs.interval import Interval
from jobs.landing import LandedFile, Marker, folder, raw_lines, text_of, write_marker
from jobs.session import spark_session
from jobs.settings import Settings
from jobs.sources.source import load
from stack.services import BASE, temporary
from stack.settings import StackSettings
from tests.worlds import World, world

SOURCE = "alibaba2014"
HEADER = b"user_id,brand_id,type,visit_datetime\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Land, load in three ways, compare."""
    options = _parser().parse_args(arguments)
    days = late_days(options.input, options.days, options.late, random.Random(options.seed))  # noqa: S311 - a benchmark's chance
    interval = Interval(min(days), max(days) + timedelta(days=1))
    shuffled = list(interval.days())
    random.Random(options.seed).shuffle(shuffled)  # noqa: S311
    stack = temporary(StackSettings.from_environment().local_dir / "test-stacks" / f"{os.getpid()}-{secrets.token_hex(3)}")
    try:
        stack.start(names=BASE)
        services = Settings.from_environment({"TRADEWIND_ENV_FILE": str(stack.env_file)})
        spark = spark_session(services, "history equals days")
        worlds = {name: world(services, spark, name, SOURCE) for name in ("once", "days", "shuffled")}
        seconds = {}
        for name, one in worlds.items():
            land(one, days)
            began = time.monotonic()
            if name == "once":
                one.run(interval, "history")
            else:
                one.run_days(interval.days() if name == "days" else shuffled)
            seconds[name] = time.monotonic() - began
            print(f"{name}: {seconds[name]:.0f} s", flush=True)
        return report(worlds, interval, shuffled)
    finally:
        stack.remove()


def late_days(file: Path, count: int, share: float, chance: random.Random) -> Mapping[date, Sequence[bytes]]:
    """Landing day -> lines of the file's first ``count`` days; ``share`` of them land one to three days after their day."""
    feed = load(SOURCE).feed("events")
    by_day: dict[date, list[bytes]] = defaultdict(list)
    with file.open("rb") as stream:
        for number, line in enumerate(raw_lines(stream, file.name)):
            if number:
                by_day[feed.day_of(text_of(line))].append(line)
    wanted = sorted(by_day)[:count]
    landed: dict[date, list[bytes]] = {day: [] for day in wanted}
    late = 0
    for day in wanted:
        for line in by_day[day]:
            delay = chance.randrange(1, 4) if chance.random() < share else 0
            late += delay > 0
            landed[min(day + timedelta(days=delay), wanted[-1])].append(line)
    print(f"{sum(map(len, landed.values()))} rows of {wanted[0]} to {wanted[-1]}, {late} of them late")
    return landed


def land(into: World, days: Mapping[date, Sequence[bytes]]) -> None:
    """One file and marker a day."""
    for day, lines in days.items():
        content = gzip.compress(HEADER + b"".join(line + b"\n" for line in lines), mtime=0)
        into.store.write(folder(SOURCE, "events", day) + "part-00000.csv.gz", content)
        file = LandedFile("part-00000.csv.gz", len(lines), len(content), hashlib.sha256(content).hexdigest())
        write_marker(into.store, Marker(SOURCE, "events", day, len(lines), (file,)))


def report(worlds: Mapping[str, World], interval: Interval, shuffled: Sequence[date]) -> int:
    """Print the table; 1 when a hash differs."""
    found = {name: one.hashes([interval.last_day]) for name, one in worlds.items()}
    shown = Table(title=f"order of the shuffled days: {', '.join(str(day.day) for day in shuffled)}")
    for heading in ("table", *found, "equal"):
        shown.add_column(heading)
    equal = True
    for table in found["once"]:
        digests = [hashes[table] for hashes in found.values()]
        equal &= len(set(digests)) == 1
        shown.add_row(table, *digests, "yes" if len(set(digests)) == 1 else "NO")
    every = [worlds[name].hashes() for name in ("days", "shuffled")]
    shown.add_row("all as-of days", "", *[one["gold.user_features"] for one in every], "yes" if every[0] == every[1] else "NO")
    Console(width=190).print(shown)
    return 0 if equal and every[0] == every[1] else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history_equals_days", description=__doc__)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--late", type=float, default=0.03, help="share of rows that land late")
    parser.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    sys.exit(main())
