"""The commands of ``python -m jobs.recommender`` that work on a shop: its registry and its lake."""

import argparse
import sys
from datetime import UTC, datetime, timedelta

from rich.console import Console

from jobs import tracking
from jobs.context import Context
from jobs.interval import Interval
from jobs.ops import decisions
from jobs.outages import explained
from jobs.recommender.rollback import roll_back
from jobs.recommender.verification import verify
from jobs.settings import Settings

DIFFERS = 1
"""Exit code of a training that does not give the same again."""


def main(options: argparse.Namespace, console: Console) -> int:
    """Answer a parsed command line; an error of ours is one line on standard error and its exit code."""
    try:
        return _verify(options, console) if options.command == "verify" else _roll_back(options, console)
    except Exception as error:
        known = explained(error)
        if known is None:
            raise
        sys.stderr.write(f"{known}\n")
        return known.exit_code


def _verify(options: argparse.Namespace, console: Console) -> int:
    found = verify(_context(f"verify-{options.run}"), options.run)
    for difference in found.differences:
        console.print(difference, style="red")
    verdict = "differs" if found.differences else "gives the same again"
    console.print(f"run {found.run_id} {verdict}: fingerprint {found.fingerprint}, {found.metrics} figures compared")
    return DIFFERS if found.differences else 0


def _roll_back(options: argparse.Namespace, console: Console) -> int:
    context = _context(f"roll-back-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    step = roll_back(tracking.connect(context.settings), options.family, options.reason, options.to)
    row = decisions.decision(
        step.family,
        context.interval.start,
        candidate=step.back_to,
        champion=step.back_to,
        is_promoted=step.back_to is not None,
        reason=step.reason,
        metrics={},
    )
    context.lake.append_rows(decisions.DECISIONS, [row])
    console.print(step.reason)
    return 0


def _context(run_id: str) -> Context:
    today = datetime.now(UTC).date()
    return Context.create(Settings.from_environment(), Interval(today, today + timedelta(days=1)), run_id=run_id, attempt=1)
