"""``docs/bi.md`` followed to the letter opens a release, and its answers are those of the tables."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.context import Context
from jobs.contract import Column, Table
from jobs.export.exports import exports
from jobs.gold.interactions import INTERACTIONS
from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.ops.quality_results import QUALITY_RESULTS
from jobs.release.publish import publish
from jobs.settings import Settings
from jobs.sources.source import load
from jobs.store import Store
from stack.services import Stack

GUIDE = Path(__file__).resolve().parents[2] / "docs/bi.md"
DAY = date(2026, 5, 31)
PLAIN = {"string": "x", "int": 1, "bigint": 1, "double": 0.5, "float": 0.5, "boolean": True}
OWN: dict[str, list[dict[str, Any]]] = {
    "gold.interactions": [{"user_id": "ada"}],
    "gold.user_segments": [{"user_id": f"u{n}", "rfm_segment": "champions" if n % 2 else "asleep"} for n in range(4)],
    "gold.segment_profiles": [{"scheme": "rfm", "segment": name, "action": 'say "thanks", then wait'} for name in ("champions", "asleep")],
    "gold.recommendations": [{"user_id": f"u{n}", "rank": rank, "item_id": f"i{rank}"} for n in range(4) for rank in (1, 2)],
}


def row(table: Table, given: dict[str, Any]) -> tuple[Any, ...]:
    """A valid row: the given values, the day, and something plain or NULL for the rest."""

    def value(column: Column) -> Any:
        if column.name in given:
            return given[column.name]
        if column.type == "date":
            return DAY
        return None if column.nullable else PLAIN[column.type]

    return tuple(value(column) for column in table.columns)


def build(context: Context, table: Table) -> None:
    """Publish the table's own rows as the day, with a passed audit."""
    rows = [row(table, given) for given in OWN.get(table.name, [{}])]
    frame = context.spark.createDataFrame(rows, table.struct())
    staged = context.lake.stage(table, frame, f"{table.partitioned_by} = DATE'{DAY}'")
    context.lake.publish()
    finding = {"expectation": "unique", "subject": "user_id", "severity": "critical", "is_met": True, "expected": "{}", "found": None}
    context.lake.append_rows(QUALITY_RESULTS, [{"table_name": table.name, "snapshot_id": staged.snapshot_id, **finding}])


@pytest.fixture
def release_id(empty_lake: SparkSession, services: Settings) -> str:
    """A release of all exports."""
    interval = Interval(DAY, date(2026, 6, 1))
    lake = Lake(empty_lake, Attempt("bi", 1, interval, "0"))
    context = Context(services, empty_lake, Store.from_settings(services), lake, load("synthetic"), interval, "bi", 1)
    tables = [INTERACTIONS, *(export.table for export in exports())]
    build(context, INTERACTIONS)
    context.lake.record_set(DAY, [INTERACTIONS])
    for table in tables[1:]:
        build(context, table)
    return str(publish(context)["release"])


def test_every_python_block_of_the_guide_runs_and_finds_the_release(
    release_id: str, test_stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in test_stack.reader_file.read_text(encoding="utf-8").splitlines():
        monkeypatch.setenv(*line.split("=", 1))

    blocks = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 8
    session: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(GUIDE), "exec"), session)  # noqa: S102  the guide is ours, and running it is the test

    assert session["release"]["id"] == release_id
    assert len(session["segments"]) == 4
    assert session["table"]("recommendations").num_rows == 8
    printed = capsys.readouterr().out
    assert 'say "thanks", then wait' in printed
    assert "user_id: string, Pseudonym of the user." in printed
