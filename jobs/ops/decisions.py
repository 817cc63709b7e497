"""Why a model became champion, or did not."""

import json
from collections.abc import Mapping
from datetime import date

from jobs.contract import Column, Table

DECISIONS = Table(
    name="ops.decisions",
    doc="One row a training attempt, and one an approval or roll-back: what was decided, and its reason in a sentence.",
    columns=(
        Column("run_id", "string", "Run that trained, with `.approved` at its end where a person approved; or the roll-back."),
        Column("attempt", "int", "Attempt of that run, from 1."),
        Column("family", "string", "Model family: recommender, segments."),
        Column("as_of_date", "date", "Day of the set that it was trained on."),
        Column("candidate_version", "string", "Registry version of the candidate; NULL when none was registered.", nullable=True),
        Column("champion_version", "string", "Registry version that serves after the decision; NULL when none does.", nullable=True),
        Column("is_promoted", "boolean", "Whether the candidate became champion."),
        Column("reason", "string", "The decision with its figures, as a sentence."),
        Column("metrics", "string", "The figures behind it, as JSON."),
    ),
    key=("run_id", "attempt", "family"),
)


def decision(
    family: str,
    as_of: date,
    *,
    candidate: str | None,
    champion: str | None,
    is_promoted: bool,
    reason: str,
    metrics: Mapping[str, float],
) -> dict[str, object]:
    """A row of ``DECISIONS``, for ``Lake.append_rows``."""
    return {
        "family": family,
        "as_of_date": as_of,
        "candidate_version": candidate,
        "champion_version": champion,
        "is_promoted": is_promoted,
        "reason": reason,
        "metrics": json.dumps(dict(metrics), sort_keys=True),
    }
