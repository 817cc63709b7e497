"""One aggregate for all that a suite counts: the results are Great Expectations' own, the jobs are few, whatever it asks."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import pytest
from great_expectations.expectations import row_conditions as condition
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from expectations import gate
from expectations.along import Along
from expectations.gate import AuditBrokenError, audit, judged
from expectations.one_pass import Counted, repeated
from expectations.silver.events import SUITE as EVENTS_SUITE
from expectations.suite import Suite
from jobs.contract import Table
from jobs.quality import states
from jobs.quality.watches import watch_of
from jobs.shell import step_of
from jobs.tables import contracts
from tests.rows import NOON, events

FIRST = date(2026, 5, 4)
USER = {"user_id": "a" * 32}
COMPARED = "a int, b int, c string, d string"
ROWS = [
    (1, 1, "x", "x"),
    (2, 1, "x", "y"),
    (0, 1, "x", "x"),
    (None, 1, None, None),
    (None, None, None, None),
    (3, None, None, "y"),
    (5, 4, None, "y"),
]
NAMES = [name for name in contracts("bronze", "silver", "gold") if not name.endswith("_rejected")]
WRITES = {write.table.name: write for name in NAMES for write in step_of(name).writes}
MOST_JOBS = {"aggregate": 2, "key": 3, "mean": 2, "distinct count": 3}
"""Jobs with adaptive execution, where each shuffle is a job of its own: of the aggregate, of each key, of a mean or a distinct count."""


def alone(rows: DataFrame, suite: Suite, result_format: Any) -> list[Any]:
    """What Great Expectations says by itself, with a query for each thing that it wants to know."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_spark("lake", persist=False).add_dataframe_asset("rows")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows})
    asked = gx.ExpectationSuite(name="alone", expectations=[expectation.copy() for expectation in suite.expectations])
    report: Any = batch.validate(asked, result_format=result_format)
    return list(report.results)


def spoken(kind: str, kwargs: Mapping[str, Any], success: object, result: Mapping[str, Any]) -> str:
    """A result as text, without the batch; examples in one order, which Spark does not promise."""
    stable = {name: value for name, value in kwargs.items() if name != "batch_id"}
    said = {name: sorted(map(str, value)) if isinstance(value, list) else value for name, value in result.items()}
    return json.dumps([kind, stable, success, said], sort_keys=True, default=str)


def nullable(spark: SparkSession, table: Table, rows: Sequence[Mapping[Any, Any]]) -> DataFrame:
    """Rows of a table in which anything may be NULL, also what the contract forbids."""
    types = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
    return spark.createDataFrame([tuple(row.get(name) for name in table.column_names) for row in rows], types)


def assert_the_same(rows: DataFrame, suite: Suite) -> None:
    by_itself = {}
    for result_format in ("BOOLEAN_ONLY", {"result_format": "BASIC", "partial_unexpected_count": 3}):
        for result in alone(rows, suite, result_format):
            config = result.expectation_config
            key = config.type + json.dumps({name: value for name, value in config.kwargs.items() if name != "batch_id"}, sort_keys=True)
            if result_format == "BOOLEAN_ONLY" or not result.success:  # detail is asked of what failed alone
                by_itself[key] = spoken(config.type, config.kwargs, result.success, result.result)
    found = [finding.evidence for finding in audit(rows, suite)]
    said = [spoken(one.expectation_config.type, one.expectation_config.kwargs, one.success, one.result) for one in found]
    assert sorted(said) == sorted(by_itself.values())
    assert not any(one.exception_info["raised_exception"] for one in found)


def suite_of_two_columns() -> Suite:
    """Every way to ignore rows, both comparisons, a share that may break each rule."""
    pairs = [
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="a", column_B="b", ignore_row_if=ignored, or_equal=or_equal, mostly=mostly)
        for ignored in ("both_values_are_missing", "either_value_is_missing", "neither")
        for or_equal in (True, False)
        for mostly in (1.0, 0.5)
    ]
    keys = [
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["c", "d"], ignore_row_if=ignored, mostly=mostly)
        for ignored in ("all_values_are_missing", "any_value_is_missing", "never")
        for mostly in (1.0, 0.4)
    ]
    some = {"row_condition": condition.Column("b") == 1}
    conditioned = [
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="a", column_B="b", **some),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["c", "d"], **some),
        gxe.ExpectColumnValuesToBeBetween(column="a", min_value=2, **some),
    ]
    return Suite("two", (*pairs, *keys, *conditioned))


@pytest.mark.parametrize("rows", [ROWS, ROWS[1:2], ROWS[4:5], []], ids=["faults", "a valid row", "nothing known", "no rows"])
def test_comparisons_and_keys_are_judged_as_great_expectations_does_by_itself(spark: SparkSession, rows: list[Any]) -> None:
    assert_the_same(spark.createDataFrame(rows, COMPARED), suite_of_two_columns())


def test_events_are_judged_as_great_expectations_does_by_itself(spark: SparkSession) -> None:
    faults: list[dict[str, Any]] = [
        {},
        {"quantity": 0},
        {"event_id": "e0"},
        {"event_type": "teleport"},
        {"user_id": None},
        {"exposure_propensity": 0.0},
    ]
    assert_the_same(events(spark, *[USER | fault for fault in faults]), EVENTS_SUITE)


def test_features_are_judged_as_great_expectations_does_by_itself(spark: SparkSession) -> None:
    write = WRITES["gold.user_features"]
    known = {"as_of_date": FIRST, "user_id": "u", "last_event_date": FIRST, "active_days": 1, "event_count": 3, "events_30d": 4}
    rows = [known, known | {"user_id": "v", "event_count": 9, "tenure_days": 1, "recency_days": 2}, known]
    assert_the_same(nullable(spark, write.table, rows), write.suite)


def test_counts_add_up_over_what_is_asked_along(spark: SparkSession) -> None:
    days = [NOON + timedelta(days=number % 3) for number in range(9)]
    rows = events(spark, *[USER | {"occurred_at": day, "quantity": number % 4} for number, day in enumerate(days)])
    verdict = judged(
        rows, EVENTS_SUITE, Along(F.col("event_date").alias("day"), [F.count("*").alias("n"), F.max("quantity").alias("most")])
    )
    assert (verdict.rows, sorted((row["day"], row["n"], row["most"]) for row in verdict.groups)) == (
        9,
        [(FIRST, 3, 3), (FIRST + timedelta(days=1), 3, 3), (FIRST + timedelta(days=2), 3, 2)],
    )
    (failed,) = [finding for finding in verdict.findings if not finding.is_met]
    assert json.loads(str(failed.found)) == {"element_count": 9, "unexpected_count": 3, "partial_unexpected_list": [0, 0, 0]}


def test_no_rows_are_counted_as_none(spark: SparkSession) -> None:
    verdict = judged(events(spark, USER).where("false"), EVENTS_SUITE, Along(F.col("event_date"), [F.count("*").alias("n")]))
    assert (verdict.rows, list(verdict.groups)) == (0, [])


def test_keys_of_one_hash_are_not_taken_for_one_key(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("x", None), (None, "x")], "a string, b string")
    assert rows.select(F.xxhash64("a", "b").alias("hash")).distinct().count() == 1  # a NULL leaves no trace in it
    assert repeated(rows, ["a", "b"]) == 0
    assert repeated(rows.union(rows.limit(1)), ["a", "b"]) == 2


def test_equal_numbers_have_one_hash(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(0.0, 1), (-0.0, 1), (float("nan"), 1), (float("nan"), 1)], "a double, b int")
    assert repeated(rows, ["a", "b"]) == 4


def test_a_column_that_is_not_there_says_nothing_about_the_rows(spark: SparkSession) -> None:
    with pytest.raises(AuditBrokenError, match=r"^silver\.events: .*quantity"):
        audit(events(spark, USER).drop("quantity"), EVENTS_SUITE)


@pytest.fixture
def jobs_of(spark: SparkSession) -> Iterator[Callable[[str, Callable[[], object]], int]]:
    """Counts the jobs of some work, as a task runs it: with adaptive execution."""
    spark.conf.set("spark.sql.adaptive.enabled", "true")

    def counted(label: str, work: Callable[[], object]) -> int:
        spark.sparkContext.setJobGroup(label, label)
        work()
        return len(spark.sparkContext.statusTracker().getJobIdsForGroup(label))

    yield counted
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)  # type: ignore[arg-type]


def most_jobs(suite: Suite) -> int:
    kinds = [type(expectation).__name__ for expectation in suite.expectations]
    keys = kinds.count("ExpectCompoundColumnsToBeUnique") * MOST_JOBS["key"]
    means = kinds.count("ExpectColumnMeanToBeBetween") * MOST_JOBS["mean"]
    return MOST_JOBS["aggregate"] + keys + means + kinds.count("ExpectColumnUniqueValueCountToBeBetween") * MOST_JOBS["distinct count"]


def two_partitions(spark: SparkSession, table: Table) -> DataFrame:
    """Two rows of a table, all NULL but their days: enough to be shuffled."""
    days = [{table.partitioned_by: FIRST + timedelta(days=n)} if table.partitioned_by else {} for n in range(2)]
    return nullable(spark, table, days).repartition(2).localCheckpoint()


@pytest.mark.parametrize("name", sorted(WRITES))
def test_a_verdict_with_all_its_states_takes_few_jobs(
    spark: SparkSession, jobs_of: Callable[[str, Callable[[], object]], int], name: str
) -> None:
    table, suite = WRITES[name].table, WRITES[name].suite
    rows = two_partitions(spark, table)
    along = states.along(table, states.kept(table, watch_of(name)), FIRST)
    found: list[Counted] = []
    jobs = jobs_of(name, lambda: found.append(gate._results(rows, suite.expectations, "BOOLEAN_ONLY", along)[1]))
    assert (found[0].rows, len(found[0].groups)) == (2, 2 if table.partitioned_by else 1)
    assert 0 < jobs <= most_jobs(suite)


def test_a_verdict_is_an_aggregate_and_a_key_in_all_tables_but_two() -> None:
    jobs = {name: most_jobs(write.suite) for name, write in WRITES.items()}
    assert {name: most for name, most in jobs.items() if most > 5} == {"gold.recommendations": 10, "gold.user_segments": 8}
    assert len(jobs) > 20
