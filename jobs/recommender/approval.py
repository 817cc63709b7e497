"""What a held training of the recommender asks a person, and the promotion of what was approved."""

from datetime import date
from typing import Any

from jobs import approval
from jobs.context import Context
from jobs.recommender import report
from jobs.recommender.champion import FAMILY
from jobs.recommender.selection import Verdict
from jobs.tracking import Run


def asked(run: Run, verdict: Verdict, *, candidate: str, name: str, serving: str | None, day: date) -> dict[str, str]:
    """What a training says of a candidate that waits: ``awaits_approval``, the ``question`` in a line, and the ``report`` as Markdown.

    ``candidate`` and ``serving`` are versions of the registered model ``name``.
    """
    return {
        "awaits_approval": candidate,
        "question": approval.question(candidate, name, day),
        "report": report.markdown(verdict.decision, verdict.metrics, serving, run.run_id, run.address),
    }


def promote(context: Context) -> dict[str, Any]:
    """As ``jobs.approval.promote``, of this family."""
    return approval.promote(context, FAMILY)
