"""What must be true of every landed line."""

import great_expectations.expectations as gxe


def of_lines() -> tuple[gxe.Expectation, ...]:
    """Every line has its text and its place: source, day, file, line number from 1."""
    columns = ("source", "landed_date", "source_file", "line_number", "landed_at", "raw_line")
    return (
        *[gxe.ExpectColumnValuesToNotBeNull(column=column, severity="critical") for column in columns],
        gxe.ExpectColumnValuesToBeBetween(column="line_number", min_value=1, severity="critical"),
    )
