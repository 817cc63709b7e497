"""Metric states: one aggregate over the written rows leaves what later checks need, so that they re-read states and not rows.

Sums, counts, extremes and value counts are exact and merge exactly (value counts as long as a day has at most ``MOST_VALUES`` values).
Sketches are those of Apache DataSketches, as Spark has them: HyperLogLog with lgConfigK 12 (relative standard error 1.6 %) and KLL with
k 200 (rank error 1.33 % with 99 % confidence, before and after merging). The KLL sketch throws coins without a seed: two sketches of the
same rows differ within that error, so no verdict that must be the same twice may rest on it; drift, which only warns, does.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from expectations.along import Along
from jobs.contract import Table
from jobs.ops.metric_states import EXACT, METRIC_STATES
from jobs.quality.day_state import ColumnState, DayState
from jobs.quality.watches import VALUE_COUNTED, Watch

MOST_VALUES = 200
TRACKED_VALUES = 10_000
"""Values that a count of values keeps in mind: exact while a partition has no more, otherwise at most 0.02 % of the rows too many."""

_WHOLE_NUMBERS = ("int", "bigint")
_NUMBERS = (*_WHOLE_NUMBERS, "double", "float", "decimal")
_LOWER_HALF = 2**32 - 1
_PROVENANCE = frozenset({"source", "source_file", "line_number", "landed_date", "raw_line"})
_WORD_END = "\u001f"
"""Ends a word of an array that is counted as one text: no reason's name holds it."""


@dataclass(frozen=True)
class Kept:
    """One column and what is kept of it besides its NULLs."""

    name: str
    expression: str
    is_number: bool = False
    is_whole: bool = False
    is_id: bool = False
    is_counted: bool = False
    is_list: bool = False
    is_busiest: bool = False


def kept(table: Table, watch: Watch) -> tuple[Kept, ...]:
    """What is kept of each column of a table, from its type and name.

    A number leaves its sum, extremes and quantiles; a ``*_id`` the number of different ones; a boolean and a declared text of few values
    the rows of each. Left out are the partition's own day, where a row came from, what a row is alone in having (its id), texts and
    nested columns that are never NULL.
    """
    own_key = [name for name in table.key if name != table.partitioned_by]
    skipped = {*_PROVENANCE, str(table.partitioned_by), *(own_key if len(own_key) == 1 else ())}
    found = [_kept(column.name, column.type, watch) for column in table.columns if column.name not in skipped]
    nullable = {column.name for column in table.columns if column.nullable}
    found += [
        Kept(name, expression, is_id=name.endswith("_id"), is_counted=name in VALUE_COUNTED, is_busiest=name in watch.busiest)
        for name, expression in watch.derived.items()
    ]
    return tuple(
        one
        for one in found
        if one.is_number or one.is_id or one.is_counted or one.is_busiest or one.name in nullable or one.name in watch.derived
    )


def _kept(name: str, kind: str, watch: Watch) -> Kept:
    return Kept(
        name,
        f"`{name}`",
        is_number=kind.startswith(_NUMBERS),
        is_whole=kind in _WHOLE_NUMBERS,
        is_id=kind == "string" and name.endswith("_id"),
        is_counted=kind == "boolean" or name in VALUE_COUNTED,
        is_list=kind.startswith("array"),
        is_busiest=name in watch.busiest,
    )


CATEGORY = Kept("category_id", "category_id", is_id=True, is_counted=True)
"""What is kept of the category that the catalogue gave an item, in a table that is watched by category and has no such column."""


def along(table: Table, columns: Sequence[Kept], whole_day: date) -> Along:
    """What the states of a partition day ask of its rows: some aggregates, in one pass, however many columns there are.

    ``whole_day`` stands for the day of a table without partitions.
    """
    day = F.col(table.partitioned_by) if table.partitioned_by else F.lit(whole_day)
    knows_landing = "landed_date" in table.column_names and table.partitioned_by not in {None, "landed_date"}
    on_time = F.count_if(F.col("landed_date") <= day) if knows_landing else F.lit(None).cast("bigint")
    asked = [F.count("*").alias("row_count"), on_time.alias("on_time_count")]
    for number, one in enumerate(columns):
        asked += [column.alias(f"{number}_{what}") for what, column in _asked(one).items()]
    return Along(day.alias("partition_date"), asked)


def measured(rows: DataFrame, table: Table, columns: Sequence[Kept], whole_day: date) -> DataFrame:
    """One row a partition day, with everything that is kept of it, by a pass of its own."""
    asked = along(table, columns, whole_day)
    return asked.grouped(rows).agg(*asked.aggregates)


def _asked(one: Kept) -> dict[str, SparkColumn]:
    value = F.expr(one.expression)
    asked = {"null_count": F.count_if(value.isNull())}
    if one.is_number:
        exact = value if one.is_whole else F.expr(f"try_cast({one.expression} AS decimal(28,6))")
        total = _sum_of_whole(value) if one.is_whole else F.sum(exact)
        asked |= {"value_sum": total.cast(EXACT), "value_min": F.min(exact).cast(EXACT), "value_max": F.max(exact).cast(EXACT)}
        asked["quantile_sketch"] = F.kll_sketch_agg_double(value.cast("double"))
    if one.is_id:
        sketch = F.hll_sketch_agg(value)
        asked |= {"distinct_sketch": sketch, "distinct_count": F.hll_sketch_estimate(sketch)}
    if one.is_counted:
        text = f"array_join({one.expression}, '{_WORD_END}')" if one.is_list else f"CAST({one.expression} AS string)"
        asked["values"] = F.expr(f"approx_top_k({text}, {MOST_VALUES + 1}, {TRACKED_VALUES})")
    if one.is_busiest:
        asked["top"] = F.expr(f"approx_top_k({one.expression}, 2, {TRACKED_VALUES})")  # NULL counts as a value: the second may be the first
    return asked


def _sum_of_whole(value: SparkColumn) -> SparkColumn:
    """The exact sum of whole numbers, however large: by their upper and lower halves, because a sum of decimals makes an object a row."""
    number = value.cast("bigint")
    upper, lower = F.sum(F.shiftright(number, 32)), F.sum(number.bitwiseAND(_LOWER_HALF))
    return upper.cast("decimal(20,0)") * F.lit(_LOWER_HALF + 1).cast("decimal(10,0)") + lower.cast("decimal(20,0)")


def rows_of(measured_days: Sequence[Row], columns: Sequence[Kept], days: Collection[date]) -> list[dict[str, Any]]:
    """The rows of ``ops.metric_states``, without the run's columns, in order of day and column; a day without rows says so."""
    found = {row["partition_date"]: row for row in measured_days}
    states: list[dict[str, Any]] = []
    for day in sorted({*days, *found}):
        row = found.get(day)
        whole = {"partition_date": day, "column_name": "", "row_count": row["row_count"] if row else 0}
        states.append(whole | {"on_time_count": row["on_time_count"] if row else None})
        if row is not None:
            states += [_row(row, number, one) for number, one in enumerate(columns)]
    return states


def _row(row: Row, number: int, one: Kept) -> dict[str, Any]:
    def of(what: str) -> Any:
        return row[f"{number}_{what}"]

    state = {
        "partition_date": row["partition_date"],
        "column_name": one.name,
        "row_count": row["row_count"],
        "null_count": of("null_count"),
    }
    if one.is_number:
        state |= {name: of(name) for name in ("value_sum", "value_min", "value_max")} | {"quantile_sketch": bytes(of("quantile_sketch"))}
    if one.is_id:
        state |= {"distinct_sketch": bytes(of("distinct_sketch")), "distinct_count": of("distinct_count")}
    if one.is_counted:
        state["value_counts"] = value_counts([(item["item"], item["count"]) for item in of("values")], is_list=one.is_list)
    if one.is_busiest:
        state["top_count"] = max((item["count"] for item in of("top") if item["item"] is not None), default=0)
    return state


def value_counts(pairs: Sequence[tuple[str | None, int]], *, is_list: bool) -> dict[str, int]:
    """Rows of each value in order of the value, NULL left out; of a list, rows of each word in it.

    >>> value_counts([("b", 2), (None, 9), ("a", 1)], is_list=False)
    {'a': 1, 'b': 2}
    """
    counted: Counter[str] = Counter()
    for value, rows in pairs:
        for word in set(value.split(_WORD_END)) if value is not None and is_list else {value}:
            if word is not None and (word or not is_list):
                counted[word] += rows
    return dict(sorted(counted.items()))


def current(states: DataFrame, table_names: Collection[str], first: date, last: date) -> DataFrame:
    """The states that count, of some tables and the days ``first`` to ``last``: those of each partition's newest published attempt.

    The partition's day is a plain condition, so that files of other days are never opened.
    """
    of_partition = Window.partitionBy("table_name", "partition_date")
    attempt = F.struct("recorded_at", "run_id", "attempt")
    return (
        states.where(F.col("partition_date").between(F.lit(first), F.lit(last)))
        .where(F.col("table_name").isin(*sorted(table_names)) & F.col("is_published"))
        .withColumn("_newest", F.max(attempt).over(of_partition))
        .where(F.col("_newest") == attempt)
        .drop("_newest")
    )


def merged(states: DataFrame) -> DataFrame:
    """One row a table and column over all days of ``states`` (which ``current`` gives), with what merges of ``ops.metric_states``.

    Counts, sums, extremes and value counts are those of the rows; ``distinct_count`` is the estimate of the united sketches.
    """
    by = ("table_name", "column_name")
    together = states.groupBy(*by).agg(
        F.sum("row_count").alias("row_count"),
        F.sum("on_time_count").alias("on_time_count"),
        F.sum("null_count").alias("null_count"),
        F.sum("value_sum").cast(EXACT).alias("value_sum"),
        F.min("value_min").alias("value_min"),
        F.max("value_max").alias("value_max"),
        F.when(F.count("distinct_sketch") > 0, F.hll_union_agg("distinct_sketch")).alias("distinct_sketch"),
        F.when(F.count("quantile_sketch") > 0, F.kll_merge_agg_double("quantile_sketch")).alias("quantile_sketch"),
    )
    words = states.select(*by, F.explode("value_counts").alias("value", "rows")).groupBy(*by, "value").agg(F.sum("rows").alias("rows"))
    counts = words.groupBy(*by).agg(F.map_from_entries(F.array_sort(F.collect_list(F.struct("value", "rows")))).alias("value_counts"))
    joined = together.join(counts, list(by), "left")
    return joined.withColumn("distinct_count", F.hll_sketch_estimate("distinct_sketch"))


def quantiles(states: DataFrame, ranks: Sequence[float]) -> DataFrame:
    """The columns ``table_name``, ``partition_date``, ``column_name`` and the values at ``ranks`` of every state with a number's values."""
    has_values = F.col("quantile_sketch").isNotNull() & (F.col("row_count") > F.col("null_count"))
    grid = F.array(*[F.lit(float(rank)) for rank in ranks])
    at = F.when(has_values, F.kll_sketch_get_quantile_double("quantile_sketch", grid))
    return states.where(has_values).select("table_name", "partition_date", "column_name", at.alias("quantiles"))


SMALL = tuple(name for name in METRIC_STATES.column_names if not name.endswith("_sketch"))
"""Columns of a state without its sketches: what rules read."""


def day_states(rows: Sequence[Mapping[str, Any] | Row]) -> dict[str, dict[date, DayState]]:
    """Table -> day -> state, from rows of ``ops.metric_states`` with the columns that rules read."""
    columns: dict[tuple[str, date], dict[str, ColumnState]] = {}
    wholes: dict[tuple[str, date], tuple[int, int | None]] = {}
    for row in rows:
        one: Mapping[str, Any] = row.asDict() if isinstance(row, Row) else row
        place = (one["table_name"], one["partition_date"])
        if one["column_name"] == "":
            wholes[place] = (one["row_count"], one.get("on_time_count"))
            continue
        total = one.get("value_sum")
        columns.setdefault(place, {})[one["column_name"]] = ColumnState(
            nulls=one.get("null_count") or 0,
            total=None if total is None else float(total),
            distinct=one.get("distinct_count"),
            top=one.get("top_count"),
            values=one.get("value_counts") or {},
        )
    found: dict[str, dict[date, DayState]] = {}
    for (name, day), (count, on_time) in sorted(wholes.items()):
        found.setdefault(name, {})[day] = DayState(day, count, on_time, columns.get((name, day), {}))
    return found
