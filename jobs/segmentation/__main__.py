"""``python -m jobs.segmentation``: tags before they are merged, users like a seed list, and segments that wait for a person.

check [--file FILE]                          every rule of the platform's tags and of a file, with line and column of what is wrong;
                                             needs neither settings nor a lake
preview [--file FILE] [--tag NAME ...] [--day DAY]
                                             of each tag (all of the file, unless some are named) its size on a day of the shop, what it
                                             shares with others, and ten users who have it; needs the shop's settings
lookalikes (--tag NAME | --users FILE) [--day DAY] [--most N]
                                             as CSV the users most like those who have a tag, or like the pseudonyms of a file, one a line;
                                             how well the seed is told apart goes to standard error; needs the shop's settings
approve --run RUN_ID                         let the segments of a training serve that would move many users: RUN_ID is the scheduler's
                                             name of the run, as ops.decisions has it; needs the shop's settings

A file is one of the shop's own tags (docs/tags.md); without one the tags of the platform are meant. Exit code 65 says what is wrong with
a tag.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import date
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from jobs.errors import BadDataError, TradewindError
from jobs.segmentation.tags.declaration import Tag, tags_of
from jobs.segmentation.tags.vocabulary import vocabulary

SHOP = "jobs.segmentation.shop_commands"
"""Loaded late: it brings the lake, which a check does not need."""

WIDTH = 150


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer the command line; an error of ours is one line on standard error and its exit code."""
    options = _parser().parse_args(arguments)
    logging.getLogger("py4j").setLevel(logging.ERROR)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    try:
        if options.command == "approve":
            console.print(import_module(SHOP).approve(options.run))
            return 0
        if options.command == "lookalikes":
            told = import_module(SHOP).list_lookalikes(options.tag, options.users, options.day, options.most, sys.stdout)
            sys.stderr.write(f"{told}\n")
            return 0
        tags = tags_of(options.file, vocabulary())
        if options.command == "check":
            console.print(listed(tags))
        else:
            import_module(SHOP).show_previews(wanted(tags, options), tags, options.day, console)
    except TradewindError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return error.exit_code
    return 0


def wanted(tags: Sequence[Tag], options: argparse.Namespace) -> list[Tag]:
    """The tags that are asked for; raises BadDataError for a name that there is not."""
    names = {tag.name for tag in tags}
    missing = [name for name in options.tag or () if name not in names]
    if missing:
        raise BadDataError(
            "tags", expected=f"one of {', '.join(sorted(names))}", found=", ".join(missing), advice="Correct --tag or --file."
        )
    mine = [tag for tag in tags if options.file is None or tag.place.startswith(str(options.file))]
    return [tag for tag in tags if tag.name in options.tag] if options.tag else mine


def listed(tags: Sequence[Tag]) -> Table:
    """A row a tag."""
    table = Table("tag", "scope", "owner", "meaning", title=f"{len(tags)} tags, every rule can be asked")
    for tag in tags:
        table.add_row(tag.name, tag.scope, tag.declared.owner, tag.declared.meaning)
    return table


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m jobs.segmentation", description="Tags before they are merged, and segments that wait for a person."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="every rule, with line and column of what is wrong")
    shown = commands.add_parser("preview", help="size, overlap and ten examples on a day of the shop")
    approved = commands.add_parser("approve", help="let segments serve that wait for a person")
    approved.add_argument("--run", required=True, metavar="RUN_ID", help="the run of the scheduler that trained them")
    alike = commands.add_parser("lookalikes", help="users most like a seed list")
    seed = alike.add_mutually_exclusive_group(required=True)
    seed.add_argument("--tag", metavar="NAME", help="the seed: who has this tag on the day")
    seed.add_argument("--users", type=Path, metavar="FILE", help="the seed: pseudonyms, one a line")
    alike.add_argument("--most", type=int, default=1_000, metavar="N", help="users to list; 1,000 without it")
    for command in (check, shown):
        command.add_argument("--file", type=Path, help="the shop's own tags; without it those of the platform alone")
    shown.add_argument("--tag", action="append", metavar="NAME", help="a tag to show; may be repeated")
    for command in (shown, alike):
        command.add_argument(
            "--day", type=date.fromisoformat, metavar="YYYY-MM-DD", help="an as-of day with segments; the newest without it"
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
