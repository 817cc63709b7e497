"""Which model made what a release shows, and why none did where none did."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

FALLBACKS = {"recommender": "popularity", "segments": "RFM quintiles"}
"""What serves while no model of a family has passed its gate."""

_NO_DECISION = "no model of this family has been trained yet"


@dataclass(frozen=True)
class ScoredTable:
    """One scored table: its name, the family of the model that its step takes (None without one), its rows of the day."""

    name: str
    family: str | None
    rows: DataFrame


def models_served(tables: list[ScoredTable], decisions: DataFrame) -> dict[str, dict[str, Any]]:
    """Family -> ``name``, ``version`` (None where no model serves), ``tables`` and ``reason``.

    The versions come from the rows themselves (column ``model_version``; NULL in a row that no model made), not from the registry, which
    may have moved since. The reason is that of the family's newest training in ``ops.decisions`` and is there only where no model serves.
    """
    found: dict[str, set[str]] = {}
    made: dict[str, list[str]] = {}
    for table in tables:
        if table.family is None:
            continue
        made.setdefault(table.family, []).append(table.name)
        found.setdefault(table.family, set()).update(_versions(table.rows))
    return {family: _model(family, found[family], names, decisions) for family, names in made.items()}


def _model(family: str, versions: set[str], tables: list[str], decisions: DataFrame) -> dict[str, Any]:
    if versions:
        return {"name": family, "version": ", ".join(sorted(versions)), "tables": tables}
    latest = decisions.where(F.col("family") == family).orderBy(F.desc("as_of_date"), F.desc("run_id"), F.desc("attempt")).first()
    return {
        "name": FALLBACKS.get(family, "none"),
        "version": None,
        "tables": tables,
        "reason": latest["reason"] if latest else _NO_DECISION,
    }


def _versions(rows: DataFrame) -> set[str]:
    if "model_version" not in rows.columns:
        return set()
    distinct: list[Mapping[str, Any]] = [
        row.asDict() for row in rows.select("model_version").where("model_version IS NOT NULL").distinct().collect()
    ]
    return {str(row["model_version"]) for row in distinct}
