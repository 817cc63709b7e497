"""``python -m jobs.backfill plan --from A --to B``: what a backfill of landing days would do, before anything runs.

Prints what has landed, the partitions, rows, bytes and minutes of both ways (one ``load_history`` run, or ``refine_daily`` day by day), the
sets and releases that were made from what is replaced, what would be refused, and the commands. Reads only. Exit code 65 when the range
would be refused, 75 when it would wait.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import date, timedelta

from rich.console import Console
from rich.text import Text

from jobs.backfill.display import as_pages
from jobs.backfill.facts import gather
from jobs.backfill.plan import Plan, make_plan
from jobs.context import code_version
from jobs.errors import EXIT_BAD_DATA, EXIT_TRY_AGAIN, TradewindError
from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.session import spark_session
from jobs.settings import Settings
from jobs.sources.source import load
from jobs.store import Store

WIDTH = 160
"""Columns of a table that goes into a file or a pipe."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer the command line."""
    options = _parser().parse_args(arguments)
    try:
        interval = Interval(options.first, options.last + timedelta(days=1))
        settings = Settings.from_environment()
        name = options.source or settings.source
        source = load(name, settings.optional_feeds_of(name))
        lake = Lake(spark_session(settings, "backfill plan"), Attempt("backfill-plan", 1, interval, code_version()))
        plan = make_plan(interval, gather(lake, Store.from_settings(settings), source, settings, interval))
    except (TradewindError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code if isinstance(error, TradewindError) else 2
    if options.json:
        sys.stdout.write(json.dumps(plan.as_dict(), default=str, indent=2) + "\n")
    else:
        show(plan, Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH))
    return EXIT_BAD_DATA if plan.refused else EXIT_TRY_AGAIN if plan.waiting else 0


def show(plan: Plan, console: Console) -> None:
    """Print the plan for people; commands stay on one line, so that they can be copied."""
    for page in as_pages(plan):
        console.print(page, soft_wrap=isinstance(page, Text))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jobs.backfill", description="What a backfill would do, before anything runs.")
    commands = parser.add_subparsers(dest="command", required=True)
    plan = commands.add_parser("plan", help="print what would be replaced, how long it takes, who is concerned; writes nothing")
    plan.add_argument("--from", dest="first", type=date.fromisoformat, required=True, metavar="DAY", help="first landing day, ISO")
    plan.add_argument("--to", dest="last", type=date.fromisoformat, required=True, metavar="DAY", help="last landing day, ISO, included")
    plan.add_argument("--source", help="source whose markers are read; the deployment's own unless named")
    plan.add_argument("--json", action="store_true", help="the plan as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
