"""Exported CSV says the same to every reader."""

import csv
import io
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from jobs.export.csv_text import csv_text

AWKWARD = pa.table(
    {
        "name": ["a,b", 'say "hi"', "two\nlines", "zoë", "", None],
        "unit_price_minor": pa.array([1, -2, None, 4, 5, 6], pa.int64()),
        "reject_share": [0.1, None, 1e-9, 2.0, 1 / 3, 0.5],
        "is_guest": [True, False, None, True, True, True],
    }
)


def test_a_reader_of_the_standard_library_gets_every_text_back() -> None:
    rows = list(csv.reader(io.StringIO(csv_text(AWKWARD).decode(), newline="")))
    assert rows[0] == AWKWARD.column_names
    assert [row[0] for row in rows[1:]] == [name or "" for name in AWKWARD["name"].to_pylist()]


def test_null_is_an_empty_field_and_the_empty_text_is_quoted() -> None:
    lines = csv_text(AWKWARD).decode().split("\r\n")
    assert lines[5].startswith('"",')
    assert lines[6].startswith(",6")


def test_every_line_ends_in_crlf_and_only_line_breaks_inside_a_field_do_not() -> None:
    text = csv_text(AWKWARD).decode()
    assert text.count("\r\n") == 1 + AWKWARD.num_rows
    assert text.replace("\r\n", "").count("\n") == 1


def test_numbers_read_back_to_the_same_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(AWKWARD).decode(), newline="")))
    assert [float(row["reject_share"]) if row["reject_share"] else None for row in rows] == AWKWARD["reject_share"].to_pylist()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (pa.array([datetime(2026, 6, 30, 23, 59, tzinfo=UTC)], pa.timestamp("us", "UTC")), "2026-06-30T23:59:00.000000Z"),
        (pa.array([date(2026, 6, 30)]), "2026-06-30"),
        (pa.array([["a", "b"]]), '"[""a"",""b""]"'),
    ],
)
def test_days_instants_and_lists_have_one_form(values: pa.Array, text: str) -> None:
    assert csv_text(pa.table({"first": values, "second": [1]})).decode().split("\r\n")[1] == f"{text},1"


def test_no_rows_leave_the_header() -> None:
    assert csv_text(AWKWARD.slice(0, 0)) == b"name,unit_price_minor,reject_share,is_guest\r\n"
