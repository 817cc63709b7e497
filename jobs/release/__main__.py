"""``python -m jobs.release``: look at releases, compare two, withdraw one. Needs the object store only, no Spark.

list                         every release, newest first
show [ID]                    one release, or the current one
diff A B                     what changed from A to B
withdraw ID --reason TEXT    show older content again, under a new number
sweep [--delete]             exports of publishers that died; a dry run unless told otherwise
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from rich.console import Console

from jobs.context import code_version
from jobs.errors import TradewindError
from jobs.release.display import as_list, as_pages, differences_table
from jobs.release.listing import list_releases
from jobs.release.releases import named, read_all
from jobs.release.sweep import leftovers
from jobs.release.withdrawal import withdraw
from jobs.settings import Settings
from jobs.store import Store

WIDTH = 160
"""Columns of a table that goes into a file or a pipe."""

Command = Callable[[argparse.Namespace, Store, Console], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer the command line; an error of ours is one line on standard error and its exit code."""
    options = _parser().parse_args(arguments)
    command: Command = options.run
    try:
        store = Store.from_settings(Settings.from_environment())
        command(options, store, Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH))
    except (TradewindError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code if isinstance(error, TradewindError) else 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jobs.release", description="Look at releases, compare two, withdraw one.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every release, newest first").set_defaults(run=_list)
    show = commands.add_parser("show", help="one release in full; the current one when none is named")
    show.add_argument("id", nargs="?", metavar="ID")
    show.add_argument("--json", action="store_true", help="the object as it is stored")
    show.set_defaults(run=_show)
    diff = commands.add_parser("diff", help="what changed from A to B")
    diff.add_argument("a", metavar="A")
    diff.add_argument("b", metavar="B")
    diff.set_defaults(run=_diff)
    back = commands.add_parser("withdraw", help="show older content again, under a new number")
    back.add_argument("id", metavar="ID")
    back.add_argument("--reason", required=True, help="a sentence; it is kept in the new release")
    back.set_defaults(run=_withdraw)
    sweep = commands.add_parser("sweep", help="exports of publishers that died before their commit")
    sweep.add_argument("--delete", action="store_true", help="delete them; without it they are only listed")
    sweep.set_defaults(run=_sweep)
    return parser


def _list(_: argparse.Namespace, store: Store, console: Console) -> None:
    releases = read_all(store)
    if not releases:
        console.print("There is no release yet; release_daily makes the first.")
        return
    console.print(as_list(releases))


def _show(options: argparse.Namespace, store: Store, console: Console) -> None:
    release = named(store, options.id)
    if options.json:
        sys.stdout.write(release.as_json() + "\n")
        return
    for page in as_pages(release):
        console.print(page)


def _diff(options: argparse.Namespace, store: Store, console: Console) -> None:
    console.print(differences_table(named(store, options.a), named(store, options.b)))


def _withdraw(options: argparse.Namespace, store: Store, console: Console) -> None:
    for release in withdraw(store, options.id, reason=options.reason, code_version=code_version(), created_at=datetime.now(UTC)):
        console.print(f"{release.id} now shows the content of {release.content_of}.")
    list_releases(store, read_all(store))
    console.print(f"The current release is {named(store, None).id}.")


def _sweep(options: argparse.Namespace, store: Store, console: Console) -> None:
    found = leftovers(store, now=datetime.now(UTC))
    for leftover in found:
        console.print(f"{leftover.release_id}: {len(leftover.keys)} objects, {leftover.bytes:,} bytes")
        if options.delete:
            store.delete(leftover.keys)
    console.print(f"{len(found)} unfinished exports {'deleted' if options.delete else 'found; --delete removes them'}.")


if __name__ == "__main__":
    sys.exit(main())
