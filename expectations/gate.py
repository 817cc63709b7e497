"""The gate: run a table's suite over the rows that were written, in about one aggregate; ask for detail only where something failed."""

import json
import logging
import os
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import great_expectations as gx
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.datasource.fluent import SparkDatasource
from great_expectations.expectations import Expectation
from pyspark.sql import DataFrame

from expectations.suite import Suite

_DETAIL = {"result_format": "BASIC", "partial_unexpected_count": 3}


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


class AuditBrokenError(RuntimeError):
    """An expectation could not be evaluated: that says nothing about the rows. The message holds what Great Expectations was told."""


def audit(rows: DataFrame, suite: Suite) -> list[Finding]:
    """Evaluate every expectation of ``suite`` over ``rows``; one finding each, in the suite's order.

    First all at once with yes-or-no results; those that failed are asked again for counts and three examples. Raises AuditBrokenError when
    a query fails, a full disk for example, which Great Expectations would report as an expectation that is not met.
    """
    findings = []
    failed = []
    for index, (expectation, result) in enumerate(
        zip(suite.expectations, _validate(rows, suite.expectations, "BOOLEAN_ONLY"), strict=True)
    ):
        findings.append(_finding(expectation, is_met=bool(result.success), found=None, evidence=result))
        if not result.success:
            failed.append(index)
    if failed:
        again = _validate(rows, [suite.expectations[index] for index in failed], _DETAIL)
        for index, result in zip(failed, again, strict=True):
            findings[index] = _finding(suite.expectations[index], is_met=False, found=_observed(result), evidence=result)
    return findings


def _validate(rows: DataFrame, expectations: Any, result_format: Any) -> list[Any]:
    batch = _asset().get_batch({"dataframe": rows})
    suite = gx.ExpectationSuite(name="audit", expectations=[e.model_copy() if hasattr(e, "model_copy") else e.copy() for e in expectations])
    report = cast("ExpectationSuiteValidationResult", batch.validate(suite, result_format=result_format))
    for result in report.results:
        _require_evaluated(result)
    by_key = {_key(r.expectation_config.type, r.expectation_config.kwargs): r for r in report.results}
    return [by_key[_key(e.expectation_type, e.configuration.kwargs)] for e in expectations]


def _key(kind: str, kwargs: dict[str, Any]) -> str:
    stable = {name: value for name, value in kwargs.items() if name not in {"batch_id", "result_format"}}
    return kind + json.dumps(stable, sort_keys=True, default=str)


@cache
def _asset() -> Any:
    context = gx.get_context(mode="ephemeral")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context.variables.progress_bars = {"globally": False}
    source: SparkDatasource = context.data_sources.add_spark("lake", persist=False)
    return source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")


def _finding(expectation: Expectation, *, is_met: bool, found: str | None, evidence: Any) -> Finding:
    kwargs = {name: value for name, value in expectation.configuration.kwargs.items() if value is not None}
    subject = kwargs.pop("column", None) or ", ".join(kwargs.pop("column_list", [])) or ""
    if not subject and "column_A" in kwargs:
        subject = f"{kwargs.pop('column_A')}, {kwargs.pop('column_B')}"
    severity = str(getattr(expectation.severity, "value", expectation.severity))
    expected = json.dumps(kwargs, sort_keys=True, default=str)
    return Finding(expectation.expectation_type, subject, severity, is_met, expected, found, evidence)


def _require_evaluated(result: Any) -> None:
    told = result.exception_info or {}
    exceptions = [told] if "raised_exception" in told else list(told.values())  # one of the expectation, or one a metric
    for one in exceptions:
        if one.get("raised_exception"):
            kind = result.expectation_config.type
            raise AuditBrokenError(f"{kind}: {one.get('exception_message')}\n{one.get('exception_traceback')}")


def _observed(result: Any) -> str:
    wanted = ("observed_value", "unexpected_count", "element_count", "partial_unexpected_list")
    detail = {name: result.result[name] for name in wanted if result.result.get(name) is not None}
    return json.dumps(detail, sort_keys=True, default=str)
