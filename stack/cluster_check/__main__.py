"""``python -m stack.cluster_check``: the same landed days on one machine with 1, 2, 4 and 8 partitions, and on a cluster of two workers.

Services of its own; each set-up has its own bucket and catalog and its own process, and nothing but settings tells them apart. On the
cluster what the tasks of a fit leave for each other goes through the object store, and one more fit loses an executor on its way. Then all
tables, factors and lists are compared. Exit 0 when all are the same, 1 with what differs.
"""

import argparse
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from stack.cluster_check.comparison import Comparison, as_markdown, summary, table
from stack.cluster_check.set_ups import SetUp, result_of, set_ups, shop_of
from stack.demo import landing
from stack.errors import StackError
from stack.mlflow_server import NAME as MLFLOW
from stack.services import BASE, Stack, sweep, temporary
from stack.settings import CHECKOUT, StackSettings
from stack.spark_cluster import spark_cluster

LAST_DAY = date(2026, 6, 30)
LONGEST_SECONDS = 1_800
"""Of one set-up."""

Report = Callable[[str], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check; 0 when everything is the same, 1 with what is not."""
    options = _parser().parse_args(arguments)
    for end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(end, _leave)
    settings = StackSettings.from_environment()
    console = Console(highlight=False, width=200)
    began = time.monotonic()

    def say(line: str) -> None:
        console.print(f"[{time.monotonic() - began:5.0f} s] {line}", markup=False, soft_wrap=True)

    folder = settings.local_dir / "test-stacks"
    sweep(folder)
    stack = temporary(folder / f"{os.getpid()}-{secrets.token_hex(3)}", settings)
    try:
        stack.start(say, names=(*BASE, MLFLOW))
        found = check(stack, options, say)
    except StackError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        stack.remove()
    console.print(table(found))
    console.print(summary(found), markup=False)
    if options.to:
        options.to.write_text(as_markdown(found, "make cluster-check"), encoding="utf-8")
    return 0 if found.is_equal else 1


def check(stack: Stack, options: argparse.Namespace, say: Report) -> Comparison:
    """Land once, then do the work in every set-up; raises ``StackError`` when one of them fails."""
    landing.land(stack, landing.command(landing.SYNTHETIC, None, LAST_DAY, {"users": options.users, "items": 60, "days": options.days}))
    found = {}
    with spark_cluster(stack.state / "cluster") as cluster:
        for set_up in set_ups(cluster.master):
            say(set_up.title)
            found[set_up.title] = work(stack, set_up, options.days)
    return Comparison(found)


def work(stack: Stack, set_up: SetUp, days: int) -> Mapping[str, str]:
    """What a set-up has made; its process dies with this one, whatever ends it."""
    environment, result = shop_of(stack, set_up), result_of(stack, set_up)
    command = [sys.executable, "-m", "stack.cluster_check.work", "--parts", *set_up.does, "--result", str(result)]
    command += ["--first", str(LAST_DAY - timedelta(days=days - 1)), "--last", str(LAST_DAY)]
    if set_up.loses_an_executor:
        command.append("--loses-an-executor")
    log = result.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=CHECKOUT, env=dict(environment), stdout=output, stderr=output, start_new_session=True)
        try:
            ended = f"exit code {process.wait(LONGEST_SECONDS)}"
        except subprocess.TimeoutExpired:
            ended = f"no end after {LONGEST_SECONDS} s"
        finally:
            process.kill()
            process.wait()
    if ended != "exit code 0":
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-40:])
        raise StackError(f"{set_up.title}: {ended}.\n{tail}\n", advice="Its last lines are above.")
    found: dict[str, str] = json.loads(result.read_text(encoding="utf-8"))
    return found


def _leave(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stack.cluster_check", description=__doc__)
    parser.add_argument("--users", type=int, default=300, help="users of the shop (default: 300)")
    parser.add_argument("--days", type=int, default=4, help="days of the shop; the last one by itself (default: 4)")
    parser.add_argument("--to", type=Path, help="file for the table, as Markdown")
    return parser


if __name__ == "__main__":
    sys.exit(main())
