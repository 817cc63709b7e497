"""The gate: run a table's suite over the rows that were written, in one aggregate; ask for detail only where something failed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from great_expectations.exceptions import GreatExpectationsError
from great_expectations.expectations import Expectation
from great_expectations.validator.metrics_calculator import MetricsCalculator
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row

from expectations.along import Along
from expectations.one_pass import Counted, OnePassEngine
from expectations.suite import Suite

_DETAIL = {"result_format": "BASIC", "partial_unexpected_count": 3}
_ALONE = Along()


@dataclass(frozen=True)
class Finding:
    """What one expectation found; ``found`` is None when it is met. ``evidence`` is Great Expectations' own result, for Data Docs."""

    expectation: str
    subject: str
    severity: str
    is_met: bool
    expected: str
    found: str | None
    evidence: Any = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.expectation}({self.subject}) {self.expected}: found {self.found}"


@dataclass(frozen=True)
class Verdict:
    """What a suite says of a table's rows: one finding an expectation, in the suite's order; their number; and what was asked along."""

    findings: list[Finding]
    rows: int
    groups: Sequence[Row] = field(default=(), repr=False)


class AuditBrokenError(RuntimeError):
    """An expectation could not be evaluated: that says nothing about the rows. The message holds what Great Expectations was told."""


def audit(rows: DataFrame, suite: Suite) -> list[Finding]:
    """Evaluate every expectation of ``suite`` over ``rows``; raises as ``judged`` does."""
    return judged(rows, suite).findings


def judged(rows: DataFrame, suite: Suite, along: Along = _ALONE) -> Verdict:
    """Evaluate every expectation of ``suite`` over ``rows``, and what is asked ``along``, in one aggregate.

    A compound key takes one query more, of its columns alone. First come yes-or-no results; what failed is asked again for counts and three
    examples. Raises AuditBrokenError when a query fails, a full disk for example.
    """
    try:
        results, counted = _results(rows, suite.expectations, "BOOLEAN_ONLY", along)
        failed = [index for index, result in enumerate(results) if not result.success]
        again, _ = _results(rows, [suite.expectations[index] for index in failed], _DETAIL, _ALONE) if failed else ([], None)
    except (GreatExpectationsError, PySparkException, Py4JJavaError) as error:
        message = f"{suite.table}: {error}"
        raise AuditBrokenError(message) from error
    found = dict(zip(failed, again, strict=True))
    findings = [
        _finding(expectation, found.get(index, results[index]), is_met=index not in found)
        for index, expectation in enumerate(suite.expectations)
    ]
    return Verdict(findings, counted.rows, counted.groups)


def _results(rows: DataFrame, expectations: Sequence[Expectation], result_format: Any, along: Along) -> tuple[list[Any], Counted]:
    """Great Expectations' result of each expectation: first it is asked what it wants to know, then that is found, then it judges."""
    engine = OnePassEngine(rows)
    asked = [
        metric
        for expectation in expectations
        for metric in expectation.get_validation_dependencies(engine, {"result_format": result_format}).get_metric_configurations()
    ]
    calculator = MetricsCalculator(engine, show_progress_bars=False)
    metrics, _ = calculator.compute_metrics(asked, {"catch_exceptions": False})
    counted = engine.count(along)
    metrics |= counted.metrics
    results = [expectation.metrics_validate(metrics, {"result_format": result_format}, engine) for expectation in expectations]
    return results, counted


def _finding(expectation: Expectation, result: Any, *, is_met: bool) -> Finding:
    kwargs = {name: value for name, value in expectation.configuration.kwargs.items() if value is not None}
    subject = kwargs.pop("column", None) or ", ".join(kwargs.pop("column_list", [])) or ""
    if not subject and "column_A" in kwargs:
        subject = f"{kwargs.pop('column_A')}, {kwargs.pop('column_B')}"
    severity = str(getattr(expectation.severity, "value", expectation.severity))
    expected = json.dumps(kwargs, sort_keys=True, default=str)
    return Finding(expectation.expectation_type, subject, severity, is_met, expected, None if is_met else _observed(result), result)


def _observed(result: Any) -> str:
    wanted = ("observed_value", "unexpected_count", "element_count", "partial_unexpected_list")
    detail = {name: result.result[name] for name in wanted if result.result.get(name) is not None}
    return json.dumps(detail, sort_keys=True, default=str)
