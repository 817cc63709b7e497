"""From a command line to an exit code: what every task runs."""

import argparse
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException

from jobs import errors
from jobs.context import Context
from jobs.interval import Interval
from jobs.settings import Settings

LOG = logging.getLogger("tradewind")

WORKS: dict[str, str] = {
    "model.recommender": "jobs.recommender.training:train",
    "model.segments": "jobs.segmentation.training:train",
    "ops.pages": "jobs.reports.quality_pages:publish",
    "ops.releases": "jobs.release.publish:publish",
    "ops.sets": "jobs.day_set:record",
}
"""Names that are not built by a step: where the function lies that makes them from a context."""

BUILD = "jobs.shell:build_tables"
"""What makes the tables. It and the works above load Great Expectations, which takes as long as Spark takes to start: so both at once."""

_RAISED_IN_WORKER = re.compile(r"jobs\.errors\.(\w+): (.*)")


def main(arguments: Sequence[str]) -> int:
    """Run one task; returns the exit code that decides whether the scheduler tries again."""
    options = _options(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    LOG.setLevel(logging.INFO)
    try:
        interval = Interval.parse(options.start, options.end)
        settings = Settings.from_environment()
    except (errors.SettingsError, ValueError) as error:
        LOG.error("%s", error)  # noqa: TRY400  (the message says it all; a trace would hide it)
        return errors.EXIT_BAD_DATA
    LOG.info("%s over %s, run %s, attempt %d", " ".join(options.names), interval, options.run_id, options.attempt)
    threading.Thread(target=import_module, args=(BUILD.partition(":")[0],), daemon=True).start()
    try:
        context = Context.create(settings, interval, run_id=options.run_id, attempt=options.attempt, models=options.models)
        result = run(context, options.names)
    except errors.TradewindError as error:
        LOG.error("%s: %s", type(error).__name__, error)  # noqa: TRY400  (a person reads this line first)
        return error.exit_code
    except PySparkException as error:
        raised = raised_in_worker(str(error))
        if raised is None:
            raise
        name, message, exit_code = raised
        LOG.error("%s: %s", name, message)  # noqa: TRY400  (the worker's own words)
        return exit_code
    if options.result is not None:
        options.result.write_text(json.dumps(result, default=str), encoding="utf-8")
    LOG.info("done: %s", json.dumps(result, default=str))
    return 0


def run(context: Context, names: Sequence[str]) -> dict[str, Any]:
    """Make everything that ``names`` says, tables first and together; returns the outcomes by name."""
    tables = [name for name in names if name not in WORKS]
    outcome: dict[str, Any] = _function(BUILD)(context, tables) if tables else {}
    for name in names:
        if name in WORKS:
            outcome[name] = _function(WORKS[name])(context)
    return outcome


def raised_in_worker(trace: str) -> tuple[str, str, int] | None:
    """Name, message and exit code of one of our own errors that a Python worker raised; None when the trace holds none."""
    for name, message in _RAISED_IN_WORKER.findall(trace):
        kind = getattr(errors, name, None)
        if isinstance(kind, type) and issubclass(kind, errors.TradewindError):
            return name, message, kind.exit_code
    return None


def _function(place: str) -> Callable[..., dict[str, Any]]:
    module, _, name = place.partition(":")
    function: Callable[..., dict[str, Any]] = getattr(import_module(module), name)
    return function


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME", help="layer.table, model.family, ops.sets, ops.pages or ops.releases")
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
    parser.add_argument("--result", type=Path, help="file for the outcome, as JSON")
    return parser.parse_args(arguments)
