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
        EVENT % "" + "}",
        EVENT % "" + ']}, {"x": [',
        EVENT % "" + ', "x": 1',
        EVENT % "" + '}, "record": [' + EVENT % "",
        EVENT % "" + ', "record": ' + EVENT % "",
        EVENT % "" + "], [" + EVENT % "",
        EVENT % ', "quantity": "two"',
        EVENT % ', "quantity": 2.5',
        EVENT % ', "unit_price_minor": 99999999999999999999',
        EVENT % ', "exposure_propensity": NaN',
        EVENT % ', "channel": "caf\\xe9"',
        EVENT % ', "item_id": {"a": 1}',
        EVENT % ', "item_id": [[[1]]]',
        EVENT % ', "item_id": 1.10',
        EVENT % ', "item_id": 1e400',
        EVENT % ', "item_id": true',
        (EVENT % "").replace('"e1"', "1.5"),
        (EVENT % "").replace('"e1"', "[1]"),
        (EVENT % "").replace('"e1"', "false"),
        EVENT % ', "item_id": "a\\ud800"',
        EVENT % ', "item_id": "\\udc00\\ud800"',
        EVENT % (', "x": ' + "[" * 100_000),
        "{'event_id': 'e1'}",
        "\x00\x01",
    ]
    assert reasons(parsed("native", "events", lines)) == [[]] + [["unreadable"]] * (len(lines) - 1)


def test_what_only_looks_wrong_is_read(parsed: Parsed) -> None:
    lines = [
        EVENT % ', "item_id": 12345678901234567890',
        EVENT % ', "item_id": "[1.5]", "extra": {"a": [1.5, true]}',
        EVENT % ', "item_id": "\\ud83d\\ude00", "channel": "\\\\ud800"',
        EVENT % ', "item_id": "twice", "item_id": "last"',
        "  " + EVENT % "" + "\t",
    ]
    rows = parsed("native", "events", lines)
    assert reasons(rows) == [[]] * len(lines)
    assert [row.item_id for row in rows] == ["12345678901234567890", "[1.5]", "\U0001f600", "last", None]


def test_a_decimal_is_read_as_it_is_written_or_not_at_all(parsed: Parsed) -> None:
    line = "2019-10-07 08:41:29 UTC,purchase,1,2,a.b,aqua,%s,3,s"
    good = {"37.31": 3731, "37.315": 3732, "+5": 500, ".5": 50, "5.": 500, "1e2": 10_000, "0012": 1_200}
    rows = parsed("rees46", "events", [line % price for price in good])
    assert [(row.reasons, row.unit_price_minor) for row in rows] == [([], price) for price in good.values()]
    bad = [
        '"12,50"',
        '"1,234.56"',
        "1e999999999",
        "1e-999999999",
        "NaN",
        "Infinity",
        "0x10",
        "１２",
        "1_0",
        " 1",
        "99999999999999999",
        "9" * 5_000,
    ]
    assert reasons(parsed("rees46", "events", [line % price for price in bad])) == [["unreadable"]] * len(bad)


def test_a_quote_that_is_not_closed_where_its_field_ends_makes_a_line_unreadable(parsed: Parsed) -> None:
    line = "536365,85123A,%s,6,2010-12-01 08:26:00,2.55,17850,%s"
    good = {'"MUG, ""BLUE"""': 'MUG, "BLUE"', '12" PIPE': '12" PIPE', '""': None, '""""': '"', "": None}
    rows = parsed("online_retail", "order_lines", [line % (text, "UK") for text in good])
    assert [(row.reasons, row.raw.Description) for row in rows] == [([], text) for text in good.values()]
    bad = [line % ('"MUG" BLUE', "UK"), line % ('""MUG', "UK"), line % ('"MUG', "UK"), line % ("MUG", '"UK'), line % ("MUG", '"UK""')]
    assert reasons(parsed("online_retail", "order_lines", bad)) == [["unreadable"]] * len(bad)


def test_a_line_of_more_fields_than_spark_can_split_is_unreadable(parsed: Parsed) -> None:
    assert reasons(parsed("alibaba2014", "events", ["," * 30_000, "1,2,0,6-4" + "," * 30_000, "x" * 30_000])) == [["unreadable"]] * 3


def test_a_long_line_of_few_fields_is_split_and_called_overlong(parsed: Parsed) -> None:
    (row,) = parsed("retailrocket", "events", [f"1430636062541,1,{'x' * 30_000},3,"])
    assert (row.reasons, row.item_id) == (["overlong_text"], "3")


def test_control_characters_but_tabs_and_line_ends_are_unprintable(parsed: Parsed) -> None:
    texts = ["a\\u0000b", "\\u001b[31m", "a\\u007f", "a\x7f", "a\\tb\\nc", "a\\\\b", "caf\u00e9"]
    rows = parsed("native", "events", [EVENT % f', "item_id": "{text}"' for text in texts])
    assert reasons(rows) == [["unprintable_text"]] * 4 + [[]] * 3
    assert reasons(parsed("native", "events", [EVENT % ', "item_id": "a\x01"'])) == [["unreadable"]], "JSON has it escaped or not at all"


def test_a_number_that_its_column_cannot_hold_is_a_fault_and_not_a_null(parsed: Parsed) -> None:
    line = "C536365,85123A,Mug,%s,2010-12-01 08:26:00,2.55,17850,United Kingdom"
    rows = parsed("online_retail", "events", [line % quantity for quantity in (-2, -2_147_483_648)])
    assert [(row.quantity, row.reasons) for row in rows] == [(2, []), (None, ["out_of_range"])]


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
