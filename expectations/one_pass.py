"""Great Expectations' Spark engine, made to count in one aggregate whatever a suite counts.

By itself it runs a query for each layer of a suite's metrics, and for each comparison of two columns and each compound key two more. Here
every count of rows waits until all of them are known, and what the metric states ask of the same rows rides along. Conditions and verdicts
stay Great Expectations' own: this engine only says when a count is made, and registers a count where there was a query.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import and_, or_
from typing import Any

from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.metrics.column_pair_map_metrics.column_pair_values_greater import ColumnPairValuesAGreaterThanB
from great_expectations.expectations.metrics.metric_provider import MetricProvider, metric_partial, metric_value
from great_expectations.expectations.metrics.multicolumn_map_metrics.compound_columns_unique import CompoundColumnsUnique
from great_expectations.validator.metric_configuration import MetricConfiguration
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from expectations.along import Along

logging.getLogger("great_expectations").setLevel(logging.ERROR)

_COUNTS_OF_ROWS = (".row_count", ".filtered_row_count", ".unexpected_count")
_NOT_ALL_ROWS = ("row_condition", "filter_conditions")
_LATER = object()  # in the place of a count that is not made yet: whoever reckons with it fails


@dataclass(frozen=True)
class Counted:
    """What one pass has found: the rows, each count by its metric, and a row of what was asked along for each group that has rows."""

    rows: int
    metrics: Mapping[Any, int]
    groups: Sequence[Row] = field(repr=False)


class OnePassEngine(SparkDFExecutionEngine):  # type: ignore[misc]  # Great Expectations is not typed
    """The engine of one batch, ``rows``. Metrics that count rows are noted, and are found by ``count``; others are computed as ever."""

    def __init__(self, rows: DataFrame) -> None:
        super().__init__(persist=False, spark=rows.sparkSession)
        self._rows = rows
        self._asked: dict[Any, Column] = {}
        self.load_batch_data("rows", rows)

    def resolve_metric_bundle(self, metric_fn_bundle: Iterable[Any]) -> dict[Any, Any]:
        """Note the counts of rows, for ``count`` to find; compute the others."""
        others = []
        for metric in metric_fn_bundle:
            if _counts_rows(metric):
                self._asked[metric.metric_configuration.id] = metric.metric_fn
            else:
                others.append(metric)
        computed: dict[Any, Any] = super().resolve_metric_bundle(others)
        return dict.fromkeys(self._asked, _LATER) | computed

    def count(self, along: Along) -> Counted:
        """One query for all that was noted and what is asked along. Counts add up over groups, which is why nothing else is noted."""
        counts = [F.count("*"), *self._asked.values()]
        names = [f"_count_{number}" for number in range(len(counts))]
        named = [column.alias(name) for column, name in zip(counts, names, strict=True)]
        groups = along.grouped(self._rows).agg(*along.aggregates, *named).collect()
        rows, *found = [sum(group[name] or 0 for group in groups) for name in names]
        return Counted(rows, dict(zip(self._asked, found, strict=True)), groups)


def _counts_rows(metric: Any) -> bool:
    domain = metric.compute_domain_kwargs or {}
    return metric.metric_configuration.metric_name.endswith(_COUNTS_OF_ROWS) and not any(domain.get(name) for name in _NOT_ALL_ROWS)


def repeated(rows: DataFrame, key: Sequence[str]) -> int:
    """Rows that share their key with another row.

    Exact: rows with one key have one hash, so that hashes that are all different prove the keys different. Only where some hash comes
    twice, which of ten million different keys happens three times in a million audits, are the keys themselves compared. A hash is eight
    bytes to sort and to shuffle, where a key is a day and some text. A distinct count in the one aggregate would be another way to say it
    in one query; Spark then groups all of it by the key, with a sketch of every column for every row.
    """
    return _sharing(rows, [F.xxhash64(*key)]) and _sharing(rows, [F.col(name) for name in key])


def _sharing(rows: DataFrame, by: Sequence[Column]) -> int:
    """Rows that are not alone in their group."""
    groups = rows.groupBy(*by).agg(F.count("*").alias("_rows")).where("_rows > 1")
    (total,) = groups.agg(F.sum("_rows").alias("total")).collect()
    return int(total["total"] or 0)


def _looked_at(domain: Mapping[str, Any]) -> Column:
    """Whether an expectation of several columns looks at a row, or ignores it for what is missing in it."""
    missing = [F.col(name).isNull() for name in domain.get("column_list") or (domain["column_A"], domain["column_B"])]
    joined: dict[str, Callable[[], Column]] = {
        "both_values_are_missing": lambda: ~reduce(and_, missing),
        "all_values_are_missing": lambda: ~reduce(and_, missing),
        "either_value_is_missing": lambda: ~reduce(or_, missing),
        "any_value_is_missing": lambda: ~reduce(or_, missing),
        "neither": lambda: F.lit(True),
        "never": lambda: F.lit(True),
    }
    return joined[domain["ignore_row_if"]]()


def _of_all_rows(domain: Mapping[str, Any]) -> dict[str, Any]:
    """The domain of a count of rows that are looked at: all rows, or those of the expectation's own condition."""
    return {name: domain.get(name) for name in ("batch_id", "table", "row_condition", "condition_parser")}


_counted = metric_partial(
    engine=OnePassEngine, partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN, domain_type=MetricDomainTypes.MULTICOLUMN
)
"""A count in the aggregate of all, in the place of the query that the Spark engine has under the same name."""

_Partial = tuple[Column, dict[str, Any], dict[str, Any]]


class _RowsLookedAt(MetricProvider):  # type: ignore[misc]  # Great Expectations is not typed
    """Rows that an expectation of several columns looks at."""

    @staticmethod
    @_counted  # type: ignore[untyped-decorator]
    def _count(metric_domain_kwargs: dict[str, Any], **_: Any) -> _Partial:
        return F.count_if(_looked_at(metric_domain_kwargs)), _of_all_rows(metric_domain_kwargs), {}


class _RowsOfPair(_RowsLookedAt):
    metric_name = "column_pair_values.a_greater_than_b.filtered_row_count"
    domain_keys = ColumnPairValuesAGreaterThanB.condition_domain_keys
    value_keys = (*ColumnPairValuesAGreaterThanB.condition_value_keys, "result_format")


class _RowsOfKey(_RowsLookedAt):
    metric_name = "compound_columns.unique.filtered_row_count"
    domain_keys = CompoundColumnsUnique.condition_domain_keys
    value_keys = (*CompoundColumnsUnique.condition_value_keys, "result_format")


class _UnexpectedPairs(MetricProvider):  # type: ignore[misc]
    """Rows that break a comparison of two columns, by Great Expectations' own condition."""

    metric_name = "column_pair_values.a_greater_than_b.unexpected_count"
    domain_keys = ColumnPairValuesAGreaterThanB.condition_domain_keys
    value_keys = ColumnPairValuesAGreaterThanB.condition_value_keys

    @staticmethod
    @_counted  # type: ignore[untyped-decorator]
    def _count(metric_domain_kwargs: dict[str, Any], metrics: dict[str, Any], **_: Any) -> _Partial:
        unexpected, *_others = metrics["unexpected_condition"]
        return F.count_if(_looked_at(metric_domain_kwargs) & unexpected), _of_all_rows(metric_domain_kwargs), {}

    @classmethod
    def _get_evaluation_dependencies(cls, metric: Any, **about: Any) -> dict[str, Any]:
        found: dict[str, Any] = super()._get_evaluation_dependencies(metric=metric, **about)
        if not found:  # of the count itself, not of the metric whose value it is
            found["unexpected_condition"] = MetricConfiguration(
                metric_name="column_pair_values.a_greater_than_b.condition",
                metric_domain_kwargs=metric.metric_domain_kwargs,
                metric_value_kwargs=metric.metric_value_kwargs,
            )
        return found


class _RepeatedKeys(MetricProvider):  # type: ignore[misc]
    """Rows whose compound key another row has too."""

    metric_name = "compound_columns.unique.unexpected_count"
    domain_keys = CompoundColumnsUnique.condition_domain_keys
    value_keys = CompoundColumnsUnique.condition_value_keys

    @staticmethod
    @metric_value(engine=OnePassEngine)  # type: ignore[untyped-decorator]
    def _value(execution_engine: OnePassEngine, metric_domain_kwargs: dict[str, Any], **_: Any) -> int:
        rows = execution_engine.get_domain_records(metric_domain_kwargs)
        return repeated(rows, metric_domain_kwargs["column_list"])
