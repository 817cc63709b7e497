"""What every table of rejected lines must meet."""

import great_expectations.expectations as gxe

from expectations.suite import Suite


def rejected_suite(table: str) -> Suite:
    """A rejected line keeps its place, its text and at least one reason, and lies there once."""
    return Suite(
        table,
        (
            gxe.ExpectColumnValuesToNotBeNull(column="raw_line", severity="critical"),
            gxe.ExpectColumnValuesToNotBeNull(column="source_file", severity="critical"),
            gxe.ExpectColumnValuesToBeBetween(column="line_number", min_value=1, severity="critical"),
            gxe.ExpectCompoundColumnsToBeUnique(column_list=["source_file", "line_number"], severity="critical"),
        ),
    )
