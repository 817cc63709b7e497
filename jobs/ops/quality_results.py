"""What every audit found."""

from jobs.contract import Column, Table

QUALITY_RESULTS = Table(
    name="ops.quality_results",
    doc="One row a run, attempt, table and expectation.",
    columns=(
        Column("run_id", "string", "Run, as the scheduler names it."),
        Column("attempt", "int", "Attempt of the task, from 1."),
        Column("table_name", "string", "Table that was audited."),
        Column("snapshot_id", "bigint", "Snapshot that was audited."),
        Column("expectation", "string", "Type of the expectation."),
        Column("subject", "string", "Column or columns that it speaks of; empty for the table."),
        Column("severity", "string", "critical or warning."),
        Column("is_met", "boolean", "Whether the written rows meet it."),
        Column("expected", "string", "What was asked, as JSON."),
        Column("found", "string", "What was observed, as JSON; NULL when met.", nullable=True),
    ),
    key=("run_id", "attempt", "table_name", "expectation", "subject", "expected"),
)
