"""Lines become canonical records; what has not the feed's shape is unreadable, and no value is an exception."""

from pyspark.sql import Row, SparkSession

from jobs.bronze.lines import lines_table
from jobs.sources.parsing import parse
from jobs.sources.source import EVENT_COLUMNS, load
from tests.parsed_lines import Parsed

EVENT = '{"event_id": "e1", "event_type": "view_item", "occurred_at": "2026-05-04T10:00:00Z"%s}'


def reasons(rows: list[Row]) -> list[list[str]]:
    return [list(row.reasons) for row in rows]


def test_a_json_line_that_is_not_one_whole_object_of_the_schema_is_unreadable_and_nothing_else_is_said_of_it(parsed: Parsed) -> None:
    lines = [
        EVENT % "",
        EVENT[:40],
        "",
        "   ",
        "null",
        "[" + EVENT % "" + "]",
        EVENT % "" + " trailing",
        EVENT % "" + EVENT % "",
        EVENT % "" + "," + EVENT % "",
        EVENT % ', "quantity": "two"',
        EVENT % ', "quantity": 2.5',
        EVENT % ', "unit_price_minor": 99999999999999999999',
        EVENT % ', "exposure_propensity": NaN',
        EVENT % ', "channel": "caf\\xe9"',
        "{'event_id': 'e1'}",
        "\x00\x01",
    ]
    assert reasons(parsed("native", "events", lines)) == [[]] + [["unreadable"]] * (len(lines) - 1)


def test_a_csv_line_with_another_number_of_fields_or_another_type_is_unreadable(parsed: Parsed) -> None:
    lines = ["1,2,0,6-4", "1,2,0", "1,2,0,6-4,5", "", " ", "one,2,0,6-4", "1,2,0.5,6-4", '1,"2,0,6-4', "99999999999999999999,2,0,6-4"]
    assert reasons(parsed("alibaba2014", "events", lines)) == [[]] + [["unreadable"]] * (len(lines) - 1)


def test_every_canonical_column_is_there_in_its_type_and_what_is_not_mapped_is_null(parsed: Parsed) -> None:
    (row,) = parsed("alibaba2014", "events", ["1,2,0,6-4"])
    assert {name: row[name] for name in EVENT_COLUMNS if row[name] is not None}.keys() == {
        "user_id",
        "event_type",
        "item_id",
        "occurred_at",
    }
    assert (row.user_id, row.item_id, row.raw.brand_id) == ("1", "2", 2)


def test_the_place_of_a_line_goes_through(parsed: Parsed) -> None:
    rows = parsed("alibaba2014", "events", ["1,2,0,6-4", "cut"])
    assert [(row.source_file, row.line_number, row.raw_line) for row in rows] == [
        ("landing/a/file", 1, "1,2,0,6-4"),
        ("landing/a/file", 2, "cut"),
    ]


def test_a_line_is_parsed_once_however_many_columns_are_read(spark: SparkSession) -> None:
    source = load("online_retail")
    plan = parse(spark.createDataFrame([], lines_table("bronze.test", "").struct()), source, source.order_lines)
    assert plan._jdf.queryExecution().optimizedPlan().toString().count("from_csv") == 1
