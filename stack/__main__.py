"""``python -m stack up|down|status|logs|backup|restore|clean``: the services of a shop on this machine. Runs with Python 3.11 or newer."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from stack.bootstrap import bootstrap
from stack.errors import StackError
from stack.settings import CHECKOUT, StackSettings

NEEDS_ENVIRONMENTS = ("up", "restore")


def main() -> int:
    """Run one command; 0 when it did what was asked, 1 with a message when a person has to act."""
    arguments = _parser().parse_args()
    try:
        settings = StackSettings.from_environment()
        if arguments.command == "bootstrap":
            bootstrap(settings, _report)
            return 0
        if arguments.command == "clean":
            return _clean(settings)
        return _in_jobs_environment(settings, arguments)
    except StackError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("bootstrap", help="make the environments and fetch the jars")
    up = commands.add_parser("up", help="start the services of a shop")
    up.add_argument("--shop", default="synthetic")
    up.add_argument("--source", help="source of jobs/sources that the shop's files come in (default: the shop's name)")
    down = commands.add_parser("down", help="stop the services")
    down.add_argument("--shop", help="default: the shop that runs")
    status = commands.add_parser("status", help="what runs, where, and how it is")
    status.add_argument("--shop", help="default: the shop that runs")
    logs = commands.add_parser("logs", help="the last lines of the logs")
    logs.add_argument("--shop", help="default: the shop that runs")
    logs.add_argument("--service", help="one service; default: all")
    logs.add_argument("--lines", type=int, default=30)
    backup = commands.add_parser("backup", help="copy the databases and the bucket of a shop whose services run")
    backup.add_argument("--shop", help="default: the shop that runs")
    backup.add_argument("--to", type=Path, required=True, help="a new folder")
    restore = commands.add_parser("restore", help="make a shop what a backup says, and start its services")
    restore.add_argument("--shop", required=True)
    restore.add_argument("--source", help="source of jobs/sources that the shop's files come in (default: the shop's name)")
    restore.add_argument("--from", dest="folder", type=Path, required=True, help="the folder of a backup")
    commands.add_parser("clean-data", help="stop everything and delete the data of every shop")
    commands.add_parser("clean", help="the same, and delete environments and jars too")
    return parser


def _in_jobs_environment(settings: StackSettings, arguments: argparse.Namespace) -> int:
    python = settings.jobs_env / "bin" / "python"
    if arguments.command in NEEDS_ENVIRONMENTS:
        bootstrap(settings, _report)
    if os.path.realpath(sys.prefix) != os.path.realpath(settings.jobs_env):
        if not python.exists():
            _report("nothing is running: there are no environments yet")
            return 0
        os.chdir(CHECKOUT)
        os.execv(python, [str(python), "-m", "stack", *sys.argv[1:]])  # noqa: S606  (this process becomes the command; no shell)
    from stack import commands  # noqa: PLC0415  (its imports exist only in the jobs' environment)

    return commands.run(arguments, settings, _report)


def _clean(settings: StackSettings) -> int:
    python = settings.jobs_env / "bin" / "python"
    if python.exists():
        done = subprocess.run([str(python), "-m", "stack", "clean-data"], cwd=CHECKOUT, check=False)
        if done.returncode != 0:
            return done.returncode
    if settings.local_dir.exists():
        _report(f"removing {settings.local_dir}")
        shutil.rmtree(settings.local_dir)
    return 0


def _report(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
