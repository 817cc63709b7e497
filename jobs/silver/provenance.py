"""Where a row came from: the columns that every parsed and every rejected row carries, so that it can be traced to its line."""

from jobs.contract import Column, Table, columns

LAST_LANDED = Column("last_landed_date", "date", "UTC day on which the newest copy landed.")
"""Of rows that copies are merged into. A landing day that is corrected touches the days of what it had delivered, copies too."""

PROVENANCE = (
    Column("landed_date", "date", "UTC day on which the row first landed."),
    Column("source_file", "string", "Object key of the landed file."),
    Column("line_number", "bigint", "Line in that file, from 1."),
)


def rejected_twin(table: Table, doc: str) -> Table:
    """The contract of the lines that could not become rows of ``table``, with all their reasons."""
    return Table(
        name=f"{table.name}_rejected",
        doc=doc,
        columns=columns(
            PROVENANCE,
            Column("source", "string", "Source that the line came from."),
            Column("reasons", "array<string>", "Every fault that applies."),
            Column("raw_line", "string", "The line as it landed; empty once the retention of raw text has ended."),
        ),
        key=("source_file", "line_number"),
        partitioned_by="landed_date",
    )
