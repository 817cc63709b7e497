"""Where a row came from: the columns that every parsed and every rejected row carries, so that it can be traced to its line."""

from jobs.contract import Column

PROVENANCE = (
    Column("landed_date", "date", "UTC day on which the row first landed."),
    Column("source_file", "string", "Object key of the landed file."),
    Column("line_number", "bigint", "Line in that file, from 1."),
)
