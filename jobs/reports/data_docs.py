"""Data Docs: one self-contained page an audit, drawn by Great Expectations' own renderers, written once and never read again."""

import copy
import html
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from great_expectations import __version__ as gx_version
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.view.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader

from expectations.gate import Finding
from jobs.context import Context
from jobs.reports import places
from jobs.reports.templates import LOADER, stylesheet

LOG = logging.getLogger("tradewind")

TEMPLATE = "data_docs.html"


@dataclass(frozen=True)
class Audit:
    """One audited table of an attempt: what its page says beside what the expectations found."""

    table: str
    findings: Sequence[Finding]
    snapshot_id: int
    rows: int | None
    outcome: str


def write(context: Context, audits: Sequence[Audit]) -> dict[str, str]:
    """Write the page of each audit; returns table -> address.

    The verdict is recorded by now: an object store that does not answer costs the pages, not the attempt's own outcome.
    """
    began = time.monotonic()
    written = {}
    for audit in audits:
        key = places.data_docs(audit.table, context.interval.last_day, context.run_id, context.attempt)
        content = page(audit, key=key, run_id=context.run_id, attempt=context.attempt, interval=str(context.interval)).encode()
        try:
            context.store.write(key, content, content_type="text/html; charset=utf-8")
        except (BotoCoreError, ClientError) as error:
            LOG.warning("%s: its Data Docs were not written: %s", audit.table, error)
            continue
        written[audit.table] = places.address(context.settings.pages_url, key)
        if any(not finding.is_met for finding in audit.findings):
            LOG.warning("%s: its Data Docs: %s", audit.table, written[audit.table])
    LOG.info("%d pages of Data Docs, %.1f s", len(written), time.monotonic() - began)
    return written


def page(audit: Audit, *, key: str, run_id: str, attempt: int, interval: str) -> str:
    """The page of one audit, whole, to lie at ``key``: nothing in it is fetched from elsewhere."""
    failed = [finding for finding in audit.findings if not finding.is_met]
    text: str = _view().render(
        ValidationResultsPageRenderer().render(_validation(audit, run_id)),
        template=TEMPLATE,
        stylesheet=stylesheet(),
        audit=audit,
        failed=failed,
        critical=[finding for finding in failed if finding.severity == "critical"],
        run={"id": run_id, "attempt": attempt, "interval": interval},
        quality=places.between(key, places.table_page(audit.table)),
        gx_version=gx_version,
    )
    # A met rule was asked for a yes or no: Great Expectations has no share to print, and says so in an odd way.
    return text.replace("unknown % not null", "--")


@cache
def _view() -> Any:
    """Great Expectations' view with our page around its sections; kept, because compiling its templates is most of a page's time."""
    view = DefaultJinjaPageView()
    view.env.loader = ChoiceLoader([LOADER, view.env.loader])
    return view


def _validation(audit: Audit, run_id: str) -> ExpectationSuiteValidationResult:
    results = [_harmless(finding.evidence) for finding in audit.findings]
    met = sum(finding.is_met for finding in audit.findings)
    return ExpectationSuiteValidationResult(
        success=met == len(results),
        results=results,
        suite_name=audit.table,
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": met,
            "unsuccessful_expectations": len(results) - met,
            "success_percent": 100.0 * met / len(results) if results else None,
        },
        meta={"great_expectations_version": gx_version, "run_id": {"run_name": run_id}},
    )


def _harmless(evidence: Any) -> Any:
    """The result with its text escaped: Great Expectations prints examples as they are, and anybody can land a line of markup."""
    safe = copy.copy(evidence)
    safe.result, safe.exception_info = _escaped(evidence.result), _escaped(evidence.exception_info)
    return safe


def _escaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _escaped(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(entry) for entry in value]
    return html.escape(value) if isinstance(value, str) else value
