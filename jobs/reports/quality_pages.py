"""The quality pages: one of all tables, one a table, from the last days of what ``ops`` holds. Pure but for ``publish``."""

import logging
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from markupsafe import Markup

from jobs.context import Context
from jobs.reports import places, plots
from jobs.reports.reading import recorded
from jobs.reports.templates import ENVIRONMENT, stylesheet
from jobs.reports.window import DAYS, Anomaly, Audit, History, Window

LOG = logging.getLogger("tradewind")

LATEST_AUDITS = 12
MOST_REASONS = plots.SERIES - 1
MOST_VALUES = 5
OTHER = "other"
LAYERS = ("bronze", "silver", "gold")


def publish(context: Context) -> dict[str, Any]:
    """Add what was recorded since the last page to the window, and write every page anew; returns the address of the first.

    The window is written last: after a crash the next attempt reads the same rows again, and adding them twice changes nothing.
    """
    began = time.monotonic()
    window = Window.from_json(context.store.read(places.WINDOW))
    window = window.with_recorded(recorded(context, window.read_through))
    read = time.monotonic()
    pages = render(window)
    for key, text in pages.items():
        context.store.write(key, text.encode(), content_type="text/html; charset=utf-8")
    context.store.write(places.WINDOW, window.to_json(), content_type="application/json")
    address = places.address(context.settings.pages_url, places.INDEX)
    LOG.info("quality page: %s (%d pages, %.1f s to read, %.1f s to write)", address, len(pages), read - began, time.monotonic() - read)
    return {"page": address, "pages": len(pages), "seconds": round(time.monotonic() - began, 1)}


def render(window: Window) -> dict[str, str]:
    """Key -> text of every page: the same window gives the same text."""
    if window.last_day is None or window.first_day is None:
        return {places.INDEX: _text("quality_index.html", lines=[], layers=[], tiles=[], failures=[], last_day=None)}
    days = plots.Days(window.first_day, window.last_day)
    lines = [summarised(history, days) for history in window.tables.values()]
    pages = {places.INDEX: _index(window, lines)}
    for line in lines:
        pages[places.table_page(line.table)] = _table(window.tables[line.table], line, days)
    return pages


@dataclass(frozen=True)
class Summary:
    """One table in a line; shares are of rows, in [0, 1]."""

    table: str
    state: str
    newest_day: date | None
    days_behind: int | None
    rows: int | None
    median: float | None
    reject_share: float | None
    evaluated: int
    failed: int
    critical: int
    open_anomalies: int
    latest: Audit
    spark: Markup

    @property
    def layer(self) -> str:
        """The part before the dot."""
        return self.table.partition(".")[0]

    @property
    def change(self) -> float | None:
        """Rows of the newest day against the median day: 0.1 is a tenth more."""
        return self.rows / self.median - 1 if self.rows is not None and self.median else None

    @property
    def page(self) -> str:
        """Link from the page of all tables."""
        return places.between(places.INDEX, places.table_page(self.table))


def summarised(history: History, days: plots.Days) -> Summary:
    """The figures of a table's newest day, and how they compare."""
    latest = history.audits[-1]
    published = [audit for audit in history.audits if audit.is_published]
    volumes = history.volumes(days.last)
    newest = max(volumes or [min(a.newest_partition or a.end, a.end - timedelta(days=1)) for a in published], default=None)
    before = [rows for day, rows in volumes.items() if day != newest]
    counted = next((audit for audit in reversed(published) if audit.read), None)
    critical = sum(failure.severity == "critical" for failure in latest.failures)
    anomalies = history.open_anomalies()
    return Summary(
        table=history.table,
        state="failed" if not latest.is_published else "warning" if latest.failures or anomalies else "ok",
        newest_day=newest,
        days_behind=(days.last - newest).days if newest else None,
        rows=volumes.get(newest) if newest else None,
        median=statistics.median(before) if before else None,
        reject_share=(counted.rejected or 0) / counted.read if counted and counted.read else None,
        evaluated=latest.evaluated,
        failed=len(latest.failures),
        critical=critical,
        open_anomalies=len(anomalies),
        latest=latest,
        spark=plots.spark(days, volumes, title=f"rows a day of {history.table}"),
    )


def _index(window: Window, lines: Sequence[Summary]) -> str:
    grouped = [(layer, [line for line in lines if line.layer == layer]) for layer in LAYERS]
    states = Counter(line.state for line in lines)
    failed = [audit for history in window.tables.values() for audit in history.audits if not audit.is_published]
    tiles = [
        ("newest landing day", f"{window.last_day}", ""),
        ("tables in order", f"{states['ok']} of {len(lines)}", "ok" if states["ok"] == len(lines) else ""),
        ("latest attempt failed", f"{states['failed']}", "failed" if states["failed"] else "ok"),
        ("open anomalies", f"{sum(line.open_anomalies for line in lines)}", "warning" if any(li.open_anomalies for li in lines) else "ok"),
    ]
    return _text(
        "quality_index.html",
        layers=[(layer, found) for layer, found in grouped if found],
        lines=lines,
        tiles=tiles,
        failures=[_audit_line(audit, places.INDEX) for audit in sorted(failed, key=_newest_first)[:LATEST_AUDITS]],
        docs=lambda audit: _docs_link(audit, places.INDEX),
        percent=plots.percent,
        last_day=window.last_day,
        read_through=window.read_through,
    )


def _table(history: History, line: Summary, days: plots.Days) -> str:
    key = places.table_page(history.table)
    anomalies = history.open_anomalies()
    volumes = history.volumes(days.last)
    return _text(
        "quality_table.html",
        line=line,
        tiles=_tiles(line),
        index=places.between(key, places.INDEX),
        volume=plots.bars(
            days,
            volumes,
            title=f"Rows of {history.table} a day",
            unit="rows",
            median=line.median,
            marks=_marks([anomaly for anomaly in anomalies if not anomaly.column]),
        )
        if volumes
        else None,
        rejects=_rejects(history, days),
        columns=list(_columns(history, days, anomalies)),
        anomalies=anomalies,
        audits=[_audit_line(audit, key) for audit in sorted(history.audits, key=_newest_first)[:LATEST_AUDITS]],
        last_day=days.last,
        first_day=days.first,
    )


def _tiles(line: Summary) -> list[tuple[str, str, str]]:
    behind = "" if line.days_behind is None else "newest landing day" if line.days_behind == 0 else f"{line.days_behind} days behind"
    tiles = [("newest day", str(line.newest_day or "none"), behind)]
    if line.rows is not None:
        tiles.append(
            ("rows of that day", f"{line.rows:,}", f"{line.change:+.0%} against the median day" if line.change is not None else "")
        )
    if line.reject_share is not None:
        tiles.append(("rejected", plots.percent(line.reject_share), "of the rows read last"))
    met = line.evaluated - line.failed
    tiles.append(("expectations met", f"{met} of {line.evaluated}", f"{line.critical} critical" if line.critical else ""))
    tiles.append(("open anomalies", str(line.open_anomalies), ""))
    return tiles


def _rejects(history: History, days: plots.Days) -> dict[str, Any] | None:
    """Rejected rows by reason, as shares of the rows read, one bar a landing interval; the newest publication of an interval counts."""
    counted = {(audit.start, audit.end): audit for audit in history.audits if audit.read and audit.is_published}
    if not counted:
        return None
    totals: Counter[str] = Counter()
    for audit in counted.values():
        totals.update(audit.reasons)
    names = [name for name, _ in sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))]
    shown = names[:MOST_REASONS] + ([OTHER] if len(names) > MOST_REASONS else [])
    drawn = [
        plots.Stack(
            audit.start,
            audit.end,
            {name: 1_000 * count / (audit.read or 1) for name, count in _folded(audit.reasons, shown).items()},
            f"{_interval(audit)}: {audit.rejected or 0:,} of {audit.read:,} rejected",
        )
        for audit in sorted(counted.values(), key=lambda audit: (audit.end - audit.start, audit.start), reverse=True)
    ]
    plot = plots.stacks(days, drawn, shown, title=f"Rejected rows of {history.table} by reason", unit="of 1,000 rows read")
    legend = [
        (name, f"{sum(totals[n] for n in names if n not in shown) if name == OTHER and name not in names else totals[name]:,}")
        for name in shown
    ]
    return {"plot": plot, "legend": legend, "is_clean": not names}


@dataclass(frozen=True)
class ColumnPlots:
    """One column over the days: how it is filled, and what it holds."""

    name: str
    nulls: Markup
    null_text: str
    values: Markup | None
    kind: str
    values_text: str
    legend: Sequence[str]
    anomalies: Sequence[Anomaly]


def _columns(history: History, days: plots.Days, anomalies: Sequence[Anomaly]) -> Iterator[ColumnPlots]:
    """The columns, those with an open anomaly first, then by name."""
    names = sorted({name for state in history.days for name in state.columns})
    about = {name: [a for a in anomalies if a.column == name] for name in names}
    for name in sorted(names, key=lambda name: (not about[name], name)):
        found = {state.day: (state.rows, state.columns[name]) for state in history.days if name in state.columns}
        marks = _marks(about[name])
        nulls = {day: (column.null_count or 0) / rows for day, (rows, column) in found.items() if rows}
        newest = max(nulls, default=None)
        drawn, kind, text, legend = _values(name, {day: column for day, (_, column) in found.items()}, days, marks)
        yield ColumnPlots(
            name=name,
            nulls=plots.line(days, nulls, title=f"Share of rows without {name}", marks=marks, share=True),
            null_text=plots.percent(nulls[newest]) if newest else "no rows",
            values=drawn,
            kind=kind,
            values_text=text,
            legend=legend,
            anomalies=about[name],
        )


def _values(name: str, found: Mapping[date, Any], days: plots.Days, marks: Mapping[date, str]) -> tuple[Markup | None, str, str, list[str]]:
    """What a column holds: its commonest values, else its quantiles, else how many distinct values."""
    valued = {day: column.values for day, column in found.items() if column.values}
    if valued:
        totals: Counter[str] = Counter()
        for values in valued.values():
            totals.update(values)
        names = [value for value, _ in sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))]
        shown = names[:MOST_VALUES] + ([OTHER] if len(names) > MOST_VALUES else [])
        parts = {day: _folded(values, shown) for day, values in valued.items()}
        shares = {day: {value: count / (sum(counts.values()) or 1) for value, count in counts.items()} for day, counts in parts.items()}
        newest = shares[max(shares)]
        text = f"{shown[0]} {newest.get(shown[0], 0):.1%}"
        return plots.shares(days, shares, shown, title=f"Commonest values of {name}", marks=marks), "values", text, shown
    quantiles = {day: column.quantiles for day, column in found.items() if column.quantiles}
    if quantiles:
        low, *_, high = quantiles[max(quantiles)]
        middle = quantiles[max(quantiles)][len(quantiles[max(quantiles)]) // 2]
        text = f"median {plots.number(middle)}; 80% in {plots.number(low)} to {plots.number(high)}"
        return plots.band(days, quantiles, title=f"Quantiles of {name}", marks=marks), "quantiles", text, []
    distinct = {day: float(column.distinct) for day, column in found.items() if column.distinct is not None}
    if distinct:
        text = f"about {plots.number(distinct[max(distinct)])}"
        return plots.line(days, distinct, title=f"Distinct values of {name}", marks=marks, share=False), "distinct values", text, []
    return None, "", "", []


def _folded(counts: Mapping[str, int], shown: Sequence[str]) -> dict[str, int]:
    """The counts of the names that are shown; the others together as ``other`` where that is one of them."""
    found = {name: count for name, count in counts.items() if name in shown}
    if OTHER in shown:
        found[OTHER] = found.get(OTHER, 0) + sum(count for name, count in counts.items() if name not in shown)
    return found


def _marks(anomalies: Sequence[Anomaly]) -> dict[date, str]:
    said: dict[date, list[str]] = {}
    for anomaly in anomalies:
        if anomaly.day is not None:
            said.setdefault(anomaly.day, []).append(anomaly.sentence)
    return {day: " ".join(sentences) for day, sentences in said.items()}


def _audit_line(audit: Audit, page: str) -> dict[str, Any]:
    return {
        "audit": audit,
        "interval": _interval(audit),
        "state": "failed" if not audit.is_published else "warning" if audit.failures else "ok",
        "docs": _docs_link(audit, page),
        "table_page": places.between(page, places.table_page(audit.table)),
    }


def _docs_link(audit: Audit, page: str) -> str | None:
    """Data Docs are written for what was audited; an attempt that failed before has none."""
    if not audit.evaluated:
        return None
    return places.between(page, places.data_docs(audit.table, audit.end - timedelta(days=1), audit.run_id, audit.attempt))


def _interval(audit: Audit) -> str:
    last = audit.end - timedelta(days=1)
    return str(last) if audit.start == last else f"{audit.start} to {last}"


def _newest_first(audit: Audit) -> tuple[float, str, str, int]:
    return -audit.started_at.timestamp(), audit.table, audit.run_id, -audit.attempt


def _text(template: str, **values: Any) -> str:
    return ENVIRONMENT.get_template(template).render(stylesheet=Markup(stylesheet()), shown_days=DAYS, **values)  # noqa: S704  (our own file)  # nosec B704
