"""What was run: one row a table and attempt, also of attempts that failed."""

from jobs.contract import Column, Table

RUNS = Table(
    name="ops.runs",
    doc="One row a run, attempt and table: what it read, wrote and rejected, and how it ended.",
    columns=(
        Column("run_id", "string", "Run, as the scheduler names it."),
        Column("attempt", "int", "Attempt of the task, from 1."),
        Column("table_name", "string", "Table that was built."),
        Column("interval_start", "date", "First landing day."),
        Column("interval_end", "date", "Day after the last landing day."),
        Column("outcome", "string", "published, or failed: with the kind of error."),
        Column("partitions", "array<date>", "Days that were replaced; empty for a table without partitions."),
        Column("rows_written", "bigint", "Rows in the replaced partitions; NULL when nothing was staged.", nullable=True),
        Column(
            "counts", "string", "Rows read, kept, rejected by reason and merged, as JSON; NULL for tables that do not parse.", nullable=True
        ),
        Column("snapshot_id", "bigint", "Snapshot that was published; NULL when none was.", nullable=True),
        Column(
            "is_changed",
            "boolean",
            "Whether a replay changed the replaced rows; NULL for the newest landing day and for tables that do not parse.",
            nullable=True,
        ),
        Column("message", "string", "The error, when there was one.", nullable=True),
        Column("code_version", "string", "Commit or package version of the code."),
        Column("started_at", "timestamp", "When the task's work on the table began, and the table before it was done."),
        Column("seconds", "double", "Wall-clock seconds from then to the outcome.", tolerance=1e-3),
    ),
    key=("run_id", "attempt", "table_name"),
)
