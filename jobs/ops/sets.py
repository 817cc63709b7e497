"""The sets: which snapshot of each table belongs together for a day."""

from jobs.contract import Column, Table

SETS = Table(
    name="ops.sets",
    doc="One row a set and table. A set is what training and releases of a day read; the newest set of a day counts.",
    columns=(
        Column("run_id", "string", "Run that recorded the set."),
        Column("attempt", "int", "Attempt of that run, from 1."),
        Column("set_id", "string", "Day and number within the day; also the tag on each snapshot."),
        Column("day", "date", "Last landing day that went in."),
        Column("sequence", "int", "Number of the set within its day, from 1."),
        Column("table_name", "string", "Table."),
        Column("snapshot_id", "bigint", "Snapshot of the table."),
    ),
    key=("set_id", "table_name"),
)
