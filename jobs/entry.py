"""From a command line to an exit code: what every task runs."""

import argparse
import json
import logging
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from jobs.catalog import TASKS
from jobs.context import Context
from jobs.errors import SettingsError, TradewindError
from jobs.interval import Interval
from jobs.outages import explained, unforeseen
from jobs.settings import Settings

LOG = logging.getLogger("tradewind")

WORKS: dict[str, str] = {
    "model.recommender": "jobs.recommender.training:train",
    "model.recommender.approved": "jobs.recommender.approval:promote",
    "model.segments": "jobs.segmentation.training:train",
    "model.segments.approved": "jobs.segmentation.approval:promote",
    "ops.mart": "jobs.export.mart:load",
    "ops.maintenance": "jobs.maintenance.upkeep:maintain",
    "ops.pages": "jobs.reports.quality_pages:publish",
    "ops.releases": "jobs.release.publish:publish",
    "ops.sets": "jobs.day_set:record",
}
"""Names that are not built by a step: where the function lies that makes them from a context."""

BUILD = "jobs.shell:build_tables"
"""What makes the tables. It and the works above load Great Expectations, which takes as long as Spark takes to start: so both at once."""


def main(arguments: Sequence[str]) -> int:
    """Run one task; returns the exit code that decides whether the scheduler tries again.

    The result file holds the outcome, or ``{"error": {...}}`` with class, subject, expected, found and advice. Raises only what nobody
    foresaw.
    """
    options = _options(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    LOG.setLevel(logging.INFO)
    try:
        interval = Interval.parse(options.start, options.end)
        _require_known(options.names)
        settings = Settings.from_environment()
    except SettingsError as error:
        return _failed(error, options.result)
    except ValueError as error:
        wrong = SettingsError("--start, --end", expected="two ISO days, in order", found=str(error), advice="Correct the command line.")
        return _failed(wrong, options.result)
    LOG.info("%s over %s, run %s, attempt %d", " ".join(options.names), interval, options.run_id, options.attempt)
    threading.Thread(target=import_module, args=(BUILD.partition(":")[0],), daemon=True).start()
    try:
        context = Context.create(
            settings,
            interval,
            run_id=options.run_id,
            attempt=options.attempt,
            models=options.models,
            dry_run=options.dry_run,
            hold=options.hold,
        )
        result = run(context, options.names)
    except Exception as error:
        known = explained(error)
        if known is None:
            _leave(options.result, {"error": unforeseen(error, options.names).as_dict()})
            raise
        return _failed(known, options.result)
    _leave(options.result, result)
    LOG.info("done: %s", json.dumps(result, default=str))
    return 0


def _require_known(names: Sequence[str]) -> None:
    """Raise SettingsError unless every name is one that a task of the catalog makes: a name becomes a module that is imported."""
    known = {*WORKS, *(name for task in TASKS.values() for name in task.tables)}
    if unknown := [name for name in names if name not in known]:
        raise SettingsError(
            "NAME", expected="names of the catalog", found=", ".join(unknown)[:500], advice="jobs/catalog.py lists them by task."
        )


def _failed(error: TradewindError, result: Path | None) -> int:
    """Say why the task fails, to who reads its log and to who reads its result; returns the exit code."""
    LOG.error("%s: %s", type(error).__name__, error)  # without a trace: a person reads this line first
    _leave(result, {"error": error.as_dict()})
    return error.exit_code


def _leave(result: Path | None, content: Mapping[str, Any]) -> None:
    if result is not None:
        result.write_text(json.dumps(content, default=str), encoding="utf-8")


def run(context: Context, names: Sequence[str]) -> dict[str, Any]:
    """Make everything that ``names`` says, tables first and together; returns the outcomes by name."""
    tables = [name for name in names if name not in WORKS]
    with context.lineage.task(names) as outcome:
        if tables:
            outcome.update(_function(BUILD)(context, tables))
        for name in names:
            if name in WORKS:
                outcome[name] = _function(WORKS[name])(context)
    return outcome


def _function(place: str) -> Callable[..., dict[str, Any]]:
    module, _, name = place.partition(":")
    function: Callable[..., dict[str, Any]] = getattr(import_module(module), name)
    return function


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME", help="layer.table, model.family, ops.sets, ops.pages, ops.releases, ...")
    parser.add_argument("--start", required=True, help="first landing day, ISO")
    parser.add_argument("--end", required=True, help="day after the last landing day, ISO")
    parser.add_argument("--run-id", required=True, help="the scheduler's name of the run")
    parser.add_argument("--attempt", type=int, default=1, help="attempt of the task, from 1")
    parser.add_argument(
        "--models",
        choices=("recorded", "champion"),
        default="recorded",
        help="what scores a day that has been released",
    )
    parser.add_argument(
        "--dry-run",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether work that deletes only says what would go",
    )
    parser.add_argument("--hold", action="store_true", help="whether a recommender that passes the gate waits until a person approves it")
    parser.add_argument("--result", type=Path, help="file for the outcome, as JSON")
    return parser.parse_args(arguments)
