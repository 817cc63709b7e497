"""What did not look like its own history, recorded whether the attempt went on or not."""

from jobs.contract import Column, Table

ANOMALIES = Table(
    name="ops.anomalies",
    doc="One row an attempt, table, partition day, rule and subject that was found unlike its history.",
    columns=(
        Column("run_id", "string", "Run, as the scheduler names it."),
        Column("attempt", "int", "Attempt of the task, from 1."),
        Column("table_name", "string", "Table that was judged."),
        Column("partition_date", "date", "Day that was judged."),
        Column("rule", "string", "Rule that it broke: docs/quality.md explains each."),
        Column("subject", "string", "Column, or column=value; empty for the table."),
        Column("severity", "string", "critical stops the task before publishing, warning does not."),
        Column("expected", "string", "What the days before it let expect."),
        Column("found", "string", "What the day shows."),
        Column("history", "string", "What it was compared with, as JSON."),
        Column("sentence", "string", "The finding as a sentence."),
    ),
    key=("run_id", "attempt", "table_name", "partition_date", "rule", "subject"),
    partitioned_by="partition_date",
)
