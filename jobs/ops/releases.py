"""The releases that were committed; the objects under ``releases/`` are the truth, this table is for queries."""

from jobs.contract import Column, Table

RELEASES = Table(
    name="ops.releases",
    doc="One row a committed release.",
    columns=(
        Column("run_id", "string", "Run that published."),
        Column("attempt", "int", "Attempt of that run, from 1."),
        Column("release_id", "string", "Day and sequence number."),
        Column("day", "date", "Day that the release is of."),
        Column("sequence", "int", "Number of the release within its day, from 1."),
        Column("is_withdrawal", "boolean", "Whether it brings back older content."),
        Column("content", "string", "The release as committed, as JSON."),
    ),
    key=("release_id",),
)
