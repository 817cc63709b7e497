"""``python -m jobs.trace``: where a thing comes from, and what was made of it. Reads only; needs the shop's settings.

export WHAT                          an exported file (key, s3:// address, a copy on this machine, SHA-256) back to the landed files
user USER [--table T] [--item I]     a user's segment or recommendations back to the landed lines
model FAMILY VERSION                 a model version: MLflow run, decision, snapshots, landed files, releases that it served
landed FILE [--line N]               a landed file or line forward: kept, rejected, merged; runs, sets, partitions, releases, exported files
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from rich.console import Console

from jobs.errors import TradewindError
from jobs.privacy import pseudonym
from jobs.settings import Settings
from jobs.store import Store
from jobs.trace.tree import Node

WIDTH = 160
"""Columns of a tree that goes into a file or a pipe."""

LIMIT = 10
"""Rows, files, runs and releases that an answer shows of each, unless told otherwise; totals are always said."""

CALL, BACKWARD, FORWARD = "jobs.trace.call", "jobs.trace.backward", "jobs.trace.forward"
"""Loaded late: they bring Great Expectations, and a wrong command line should be told at once."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer the command line; an error of ours is one line on standard error and its exit code."""
    options = _parser().parse_args(arguments)
    logging.getLogger("py4j").setLevel(logging.ERROR)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # a person waits; a server that is down stays down for minutes
    try:
        settings = Settings.from_environment()
        node = _answer(options, settings, Store.from_settings(settings))
    except (TradewindError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code if isinstance(error, TradewindError) else 2
    if options.json:
        sys.stdout.write(json.dumps(node.as_dict(), indent=2, ensure_ascii=False, default=str) + "\n")
    else:
        Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH).print(node.as_tree())
    return 0


def _answer(options: argparse.Namespace, settings: Settings, store: Store) -> Node:
    backward, forward = import_module(BACKWARD), import_module(FORWARD)
    call = import_module(CALL).Call(settings, store, options.limit)
    node: Node
    if options.question == "export":
        node = backward.export(call, options.what)
    elif options.question == "user":
        given = sys.stdin.readline().strip() if options.user == "-" else options.user
        user = pseudonym(given, "user", settings.pseudonym_key) if options.raw else given
        node = backward.user(call, user, tables=options.table, item=options.item, release_id=options.release, with_text=not options.no_text)
    elif options.question == "model":
        node = backward.model(call, options.family, options.version)
    else:
        node = forward.landed(call, options.file, options.line, options.release, is_now=options.now)
    return node


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="the whole tree as JSON")
    shared.add_argument(
        "--limit", type=_positive, default=LIMIT, help=f"most rows, files, runs, releases to show of each (default: {LIMIT})"
    )
    parser = argparse.ArgumentParser(prog="python -m jobs.trace", description="Where a thing comes from, and what was made of it.")
    questions = parser.add_subparsers(dest="question", required=True)
    export = questions.add_parser("export", parents=[shared], help="an exported file, back to the landed files")
    export.add_argument("what", metavar="WHAT", help="object key, s3:// address, a copy on this machine, or its SHA-256")
    user = questions.add_parser("user", parents=[shared], help="a user's rows in a release, back to the landed lines")
    user.add_argument("user", metavar="USER", help="pseudonym; - reads it from standard input")
    user.add_argument("--raw", action="store_true", help="USER is the shop's own id (needs the key; rather from standard input)")
    user.add_argument(
        "--table", action="append", default=[], help="user_segments, recommendations, ...; may be repeated (default: exported ones)"
    )
    user.add_argument("--item", help="only rows of this item")
    user.add_argument("--release", metavar="ID", help="another release than the current one")
    user.add_argument("--no-text", action="store_true", help="leave the landed lines' raw text away: it holds raw ids")
    model = questions.add_parser("model", parents=[shared], help="a model version, both ways")
    model.add_argument("family", metavar="FAMILY", help="recommender, segments")
    model.add_argument("version", metavar="VERSION", help="number in the registry")
    landed = questions.add_parser("landed", parents=[shared], help="a landed file or line, forward to the exported files")
    landed.add_argument("file", metavar="FILE", help="landing/<source>/<feed>/<day>/<file>, or its s3:// address")
    landed.add_argument("--line", type=_positive, metavar="N", help="one line, from 1")
    where = landed.add_mutually_exclusive_group()
    where.add_argument("--release", metavar="ID", help="read it as this release holds it (default: the newest that holds its day)")
    where.add_argument("--now", action="store_true", help="read it as published now, whatever releases hold")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
