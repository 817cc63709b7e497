"""The parts of an answer, as trees. Pure: what was read goes in, nodes come out."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from jobs.landing import LandedFile
from jobs.recommender.models.popularity import UNPERSONAL
from jobs.release.models import FALLBACKS
from jobs.release.record import Release
from jobs.step import AsOf, EventDays, Scope, Whole
from jobs.trace.history import RunOfTable, SetOfDay, Snapshot
from jobs.trace.tree import Node
from jobs.tracking import Trained

_EVERYBODY = "the events of everybody with each item"
POPULAR = {
    "popularity": (_EVERYBODY, "the decayed sum of everybody's events with the item, the same for each user"),
    "category_popularity": (
        _EVERYBODY,
        "the decayed sum of everybody's events with the item, as a share of its category's, weighted by what the user has touched there",
    ),
    "segment_popularity": (
        "the events of the user's segment with each item",
        "the decayed sum of the events of all users of the same RFM segment with the item, mixed with everybody's",
    ),
    UNPERSONAL: (
        _EVERYBODY,
        "the decayed sum of everybody's events with the item; the user has not agreed to personalisation and gets the list that all such "
        "users get: nothing that the user did has put an item on it or taken one off",
    ),
    "content": ("the words of the catalogue", "how much the words of a new item are those of what the user has touched"),
    "exploration": ("a lot", "drawn for the day among new items, the same chance for each"),
}
"""What a place rests on that no trained model filled, and how."""


@dataclass(frozen=True)
class FamilyBehind:
    """A model family as a release records it, with what the registry and ``ops.decisions`` know of its version.

    ``is_answered`` is False when MLflow did not answer, so that nothing is known of the run.
    """

    family: str
    recorded: Mapping[str, Any]
    trained: Trained | None = None
    decision: Mapping[str, Any] | None = None
    is_answered: bool = True


# releases and snapshots


def release(found: Release, current: Release | None, *parts: Node) -> Node:
    """A release: whose run made it, whether readers see it now, and what lies behind it."""
    is_current = current is not None and current.origin == found.origin
    return Node(
        "release",
        found.id,
        {
            "is_current": is_current,
            "current": None if is_current or current is None else current.id,
            "content_of": found.content_of,
            "withdraws": found.withdraws,
            "day": str(found.content.day),
            "run": found.run_id,
            "attempt": found.attempt,
            "code": found.code_version,
            "created_at": instant(found.created_at),
        },
        parts,
    )


def snapshot(table: str, snapshot_id: int | str, known: Snapshot | None, verdict: Mapping[str, int] | None, *parts: Node) -> Node:
    """One table at one snapshot: the run that wrote it, and what its audit found."""
    facts: dict[str, Any] = {"quality": verdict_text(verdict)}
    if known is None:
        facts["written"] = "its metadata has been expired"
    else:
        facts |= {
            "run": known.run_id,
            "attempt": known.attempt,
            "landing_days": str(known.interval) if known.interval else None,
            "code": known.code_version,
            "committed_at": instant(known.committed_at),
            "read": {name: str(one) for name, one in sorted(known.read.items()) if not name.startswith("ops.")} or None,
        }
    return Node("snapshot", f"{table}@{snapshot_id}", facts, parts)


def set_of(found: Release, snapshots: Mapping[str, Snapshot], quality: Mapping[str, Mapping[str, int]]) -> Node:
    """The set that a release was computed from, table by table."""
    tables = tuple(
        snapshot(name, version.snapshot_id, snapshots.get(name), quality.get(name))
        for name, version in sorted(found.content.set.tables.items())
    )
    return Node("set", found.content.set.id, {"tables": len(tables)}, tables)


def verdict_text(verdict: Mapping[str, int] | None) -> str:
    """What an audit found, in words.

    >>> verdict_text({"evaluated": 9, "critical_failed": 0, "warnings": 1})
    '9 expectations evaluated, 0 critical failed, 1 warning'
    """
    if verdict is None:
        return "no audit of this snapshot is on record"
    warnings = verdict["warnings"]
    return (
        f"{verdict['evaluated']} expectations evaluated, {verdict['critical_failed']} critical failed, "
        f"{warnings} warning{'' if warnings == 1 else 's'}"
    )


# models


def model(behind: FamilyBehind, *parts: Node) -> Node:
    """The model that served, down to its MLflow run; or what served in its place, and why."""
    version = behind.recorded.get("version")
    if not version:
        name = str(behind.recorded.get("name") or FALLBACKS.get(behind.family, "none"))
        return Node("model", f"{name} (no model of {behind.family} served)", {"reason": behind.recorded.get("reason")}, parts)
    return Node("model", f"{behind.family} version {version}", {}, (*training(behind), *parts))


def training(behind: FamilyBehind) -> tuple[Node, ...]:
    """The MLflow run and the decision behind a version."""
    found, nodes = behind.trained, []
    if found is not None:
        nodes.append(
            Node(
                "MLflow run",
                found.version.run_id,
                {
                    "name": found.run_name,
                    "status": found.status,
                    "page": found.address,
                    "scheduler_run": found.scheduler_run_id,
                    "attempt": found.attempt,
                    "code": found.code_version,
                    "as_of_date": found.as_of_date,
                    "training_window": f"{found.window[0]} to {found.window[1]}" if found.window else None,
                    "datasets": {name: str(snapshot_id) for name, snapshot_id in sorted(found.snapshots.items())},
                    "serves_now": found.is_champion,
                },
            )
        )
    else:
        why = (
            "the registry has no such version any more" if behind.is_answered else "MLflow does not answer; `make status` shows the server"
        )
        nodes.append(Node("MLflow run", "unknown", {"why": why}))
    if behind.decision is not None:
        decision = behind.decision
        facts = {
            "is_promoted": decision["is_promoted"],
            "reason": decision["reason"],
            "run": decision["run_id"],
            "attempt": decision["attempt"],
        }
        nodes.append(Node("decision", str(decision["as_of_date"]), facts))
    return tuple(nodes)


# a user's rows


def row(table: str, values: Mapping[str, Any], key: Sequence[str], *parts: Node) -> Node:
    """One row: its key is its name, the rest are facts."""
    name = ", ".join(f"{column} {values[column]}" for column in key)
    return Node("row", f"{table}: {name}", {column: plain(value) for column, value in values.items() if column not in key}, parts)


def recommended(
    rows: Sequence[Mapping[str, Any]],
    key: Sequence[str],
    behind: FamilyBehind,
    *,
    counts: Mapping[str, Mapping[str, int]],
    learnt_from: int | None,
    lines: int,
) -> tuple[Node, ...]:
    """Recommended items, each with its own events of everybody (``counts``), and what they rest on, as far as it can be said.

    ``learnt_from`` is the number of interactions in the training window, ``lines`` that of the user's own silver rows.
    """
    table = "gold.recommendations"
    nodes = [
        Node(
            one.kind,
            one.name,
            {**one.facts, "events_of_everybody_with_it": dict(counts.get(values["item_id"], {})) or "none: it fills a place that was left"},
        )
        for values, one in ((values, row(table, values, key)) for values in rows)
    ]
    models = {values["model"] for values in rows}
    nodes += [_basis_of_trained(name, behind, learnt_from, lines) for name in sorted(models - POPULAR.keys())]
    for name in sorted(models & POPULAR.keys()):
        basis, how = POPULAR[name]
        bought = "" if name == UNPERSONAL else "; what the user has bought is left out"
        nodes.append(Node("rests on", basis, {"how": f"{name}: {how}{bought}"}))
    return tuple(nodes)


def _basis_of_trained(name: str, behind: FamilyBehind, learnt_from: int | None, lines: int) -> Node:
    found = behind.trained
    snapshot_id = found.snapshots.get("gold.interactions") if found else None
    return Node(
        "rests on",
        f"all interactions in the training window of {behind.family} version {behind.recorded.get('version')}",
        {
            "training_window": f"{found.window[0]} to {found.window[1]}" if found and found.window else None,
            "interactions": learnt_from,
            "snapshot": f"gold.interactions@{snapshot_id}" if snapshot_id is not None else None,
            "own_rows": lines,
            "how": f"{name}: everybody's events placed the items, the user's own events placed the user; no single line made an item rank",
        },
    )


def lines_of_user(table: str, rows: Sequence[Mapping[str, Any]], total: int, texts: Mapping[tuple[str, int], str] | None) -> Node:
    """The landed lines behind a user's silver rows; ``texts`` is None where raw text was not asked for."""
    told = ("event_type", "kind", "item_id", "occurred_at", "ordered_date", "order_id", "quantity")
    nodes = []
    for values in rows:
        place = (values["source_file"], values["line_number"])
        facts = {name: plain(values[name]) for name in told if values.get(name) is not None}
        if values["delivery_count"] > 1:
            facts["delivered"] = f"{values['delivery_count']} times; this is the first"
        if texts is not None:
            facts["text"] = texts.get(place, "gone: raw text has been expired")
        nodes.append(Node("line", f"{place[0]} line {place[1]}", facts))
    return Node("landed lines", table, {"rows": total, "shown": _shown(len(rows), total)}, tuple(nodes))


# exports


def export(name: str, record: Mapping[str, Any], files: Iterable[Mapping[str, Any]], *parts: Node) -> Node:
    """One export, its named files first."""
    nodes = tuple(exported_file(file) for file in files)
    facts = {
        "rows": record["rows"],
        "schema_version": record["schema_version"],
        "content_hash": record["content_hash"],
        "manifest": record["manifest"],
    }
    return Node("export", name, facts, (*nodes, *parts))


def exported_file(file: Mapping[str, Any]) -> Node:
    """One exported file."""
    return Node("exported file", file["key"], {"rows": file["rows"], "bytes": file["bytes"], "sha256": file["sha256"]})


def landed_files(files: Sequence[Mapping[str, Any]], total: int, day: date, expired: Sequence[str]) -> Node:
    """The landed files that the set was made of; of the bronze tables ``expired`` as they are now."""
    since = f"{', '.join(expired)} as published now: the snapshot that silver had read has been expired" if expired else None
    nodes = tuple(Node("landed file", file["source_file"], {"lines": file["lines"]}) for file in files)
    return Node("landed by", str(day), {"files": total, "read": since, "shown": _shown(len(nodes), total)}, nodes)


# what became of a landed file


def landing(table: str, day: date, listed: LandedFile | None, read: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> Node:
    """A landed file as its marker lists it, as bronze held it where the answer is read, and whether it has landed again since.

    ``read`` is what bronze held of it there, ``now`` what bronze holds of it.
    """
    parts = (Node("marker", str(day), {"rows": listed.rows, "bytes": listed.bytes, "sha256": listed.sha256}),) if listed else ()
    if read is None:
        return Node("bronze", table, {"lines": "none: refine_daily has not read this file yet"}, parts)
    is_replaced = now is None or (now["lines"], now["sha256"]) != (read["lines"], read["sha256"])
    is_waiting = listed is not None and now is not None and now["sha256"] is not None and now["sha256"] != listed.sha256
    again = "yes: bronze holds other lines of it by now; --now reads those" if is_replaced else None
    again = "yes, with other content that bronze has not read yet: run the day again" if is_waiting else again
    facts = {"partition": f"landed_date={day}", "lines": read["lines"], "sha256": read["sha256"], "landed_again": again}
    return Node("bronze", table, {**facts, "marker": None if listed else "lists it no longer"}, parts)


def fate(table: str, kept: Mapping[date, int], rejected: Mapping[tuple[str, ...], int], lines: int, *, is_primary: bool) -> Node:
    """What became of a file's lines in one silver table: kept + rejected + merged = read, where the table accounts for every line."""
    reasons: Counter[str] = Counter()
    for names, count in rejected.items():
        reasons.update(dict.fromkeys(names, count))
    kept_rows, rejected_lines = sum(kept.values()), sum(rejected.values())
    left = lines - kept_rows - rejected_lines
    return Node(
        "became",
        table,
        {
            "kept": kept_rows,
            "rejected": rejected_lines if is_primary else None,
            "reasons": dict(sorted(reasons.items())) or None,
            "merged": left if is_primary else None,
            "merged_or_no_record_of_this_table": None if is_primary else left,
            "event_days": {str(day): count for day, count in sorted(kept.items())} or None,
        },
    )


def line_in(
    table: str, kept: Mapping[str, Any] | None, rejected: Sequence[str] | None, merged: Mapping[str, Any] | None, key: Sequence[str]
) -> Node:
    """What became of one line in one silver table."""
    if kept is not None:
        return Node("became", table, {"outcome": "kept", "delivered": kept["delivery_count"]}, (row(table, kept, key),))
    if rejected is not None:
        return Node("became", table, {"outcome": "rejected", "reasons": list(rejected)})
    if merged is not None:
        into = f"{merged['source_file']} line {merged['line_number']}"
        return Node("became", table, {"outcome": "merged", "into": into}, (row(table, merged, key),))
    return Node("became", table, {"outcome": "no record of this table"})


def runs_of(runs: Sequence[RunOfTable], total: int) -> Node:
    """The newest of ``total`` attempts over a landing day."""
    nodes = tuple(
        Node(
            "run",
            run.run_id,
            {
                "attempt": run.attempt,
                "table": run.table,
                "outcome": run.outcome,
                "snapshot": None if run.snapshot_id is None else str(run.snapshot_id),
                "landing_days": str(run.interval),
                "started_at": instant(run.started_at),
                "message": run.message,
            },
        )
        for run in runs
    )
    return Node("runs", f"{total} over this landing day", {"shown": _shown(len(runs), total)}, nodes)


def sets_of(sets: Sequence[SetOfDay], total: int) -> Node:
    """The newest of ``total`` sets that hold a landed file."""
    return Node("sets", f"{total} hold it", {"shown": _shown(len(sets), total)}, tuple(Node("set", one.set_id) for one in sets))


def partitions_made(tables: Mapping[str, Scope], days: Collection[date], landed: date) -> Node:
    """The partitions of derived tables that depend on the event days ``days`` of something landed on ``landed``."""
    nodes = []
    for name, scope in tables.items():
        if isinstance(scope, EventDays):
            touched = {day + timedelta(days=offset) for day in days for offset in range(-scope.before, scope.after + 1)}
            where = [str(day) for day in sorted(touched)] or "none: no row was kept"
        elif isinstance(scope, AsOf):
            where = f"every as_of_date from {landed} on" if days else "none: no row was kept"
        elif isinstance(scope, Whole):
            where = "the whole table"
        else:
            continue
        nodes.append(Node("partitions", name, {"days": where}))
    return Node("derived", f"{len(nodes)} tables", {}, tuple(nodes))


def made_of(releases: Sequence[Release], held: Collection[int], table: str, landed: date) -> list[Release]:
    """The releases whose set holds the landed day (its snapshot of ``table`` is one of ``held``) and whose day is not before it.

    A set of an earlier day that was recorded later holds the line too, but what it says of its day leaves later landings out.
    """
    found = []
    for one in releases:
        version = one.content.set.tables.get(table)
        if version is not None and int(version.snapshot_id) in held and one.content.day >= landed:
            found.append(one)
    return sorted(found, key=lambda one: one.key, reverse=True)


# values


def instant(value: datetime) -> str:
    """An instant in UTC, to the second; one without a zone is in this machine's, as Spark hands it out."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def plain(value: Any) -> Any:
    """A value of a row as JSON has it."""
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def _shown(shown: int, total: int) -> str | None:
    return f"the newest {shown:,}; --limit asks for more" if shown < total else None
