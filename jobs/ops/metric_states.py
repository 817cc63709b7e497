"""What each partition looked like when it was written, as states that can be merged: months are read from here, not from rows."""

from jobs.contract import Column, Table

EXACT = "decimal(38,6)"
"""Type of sums and extremes: exact for integers, floating-point values enter rounded to six places."""

METRIC_STATES = Table(
    name="ops.metric_states",
    doc="One row an attempt, table, partition day and column; an empty column name stands for the partition as a whole. Of a partition, "
    "the rows of the newest published attempt count. Row and null counts, sums, extremes, sketches and value counts of several days "
    "merge into those of the days together; the most frequent value's count does not.",
    columns=(
        Column("run_id", "string", "Run, as the scheduler names it."),
        Column("attempt", "int", "Attempt of the task, from 1."),
        Column("table_name", "string", "Table that was written."),
        Column(
            "partition_date",
            "date",
            "Day of the partition (event day, landing day or as-of day); of a table without partitions the run's last landing day.",
        ),
        Column("column_name", "string", "Column, or an expression that jobs/quality/watches.py names; empty for the whole partition."),
        Column("row_count", "bigint", "Rows of the partition."),
        Column(
            "on_time_count",
            "bigint",
            "Rows that had landed by the end of the partition's own day; NULL for columns, and for tables that do not know it.",
            nullable=True,
        ),
        Column("null_count", "bigint", "Rows without a value; NULL for the whole partition.", nullable=True),
        Column("value_sum", EXACT, "Sum of a number; NULL for other columns and without a value.", nullable=True),
        Column("value_min", EXACT, "Least value of a number.", nullable=True),
        Column("value_max", EXACT, "Greatest value of a number.", nullable=True),
        Column("distinct_count", "bigint", "Different values as the distinct sketch estimates them; does not merge.", nullable=True),
        Column("top_count", "bigint", "Rows of the most frequent value, where that is watched; does not merge.", nullable=True),
        Column("distinct_sketch", "binary", "HyperLogLog sketch of Apache DataSketches (lgConfigK 12).", nullable=True),
        Column("quantile_sketch", "binary", "KLL sketch of doubles of Apache DataSketches (k 200).", nullable=True),
        Column("value_counts", "map<string,bigint>", "Rows of each value, of the 200 most frequent values at most.", nullable=True),
        Column("through_date", "date", "Last landing day of the run; before it a partition's day was not over.", is_metadata=True),
        Column("snapshot_id", "bigint", "Snapshot that was measured.", is_metadata=True),
        Column("is_published", "boolean", "Whether the attempt published that snapshot.", is_metadata=True),
        Column("recorded_at", "timestamp", "When the attempt's states were recorded; the same for all of them.", is_metadata=True),
    ),
    key=("run_id", "attempt", "table_name", "partition_date", "column_name"),
    partitioned_by="partition_date",
)
