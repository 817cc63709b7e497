"""Back from what readers see: an exported file, a user's rows, a model version, to the landed lines."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from jobs.contract import Table
from jobs.errors import BadDataError
from jobs.gold.interactions import INTERACTIONS
from jobs.gold.recommendations import RECOMMENDATIONS, SLATE_SIZE
from jobs.gold.user_features import USER_FEATURES
from jobs.release.record import Release
from jobs.release.releases import current, named, read, read_all
from jobs.tables import contract_of
from jobs.trace import answers, places
from jobs.trace.answers import FamilyBehind
from jobs.trace.call import Call
from jobs.trace.history import Snapshot
from jobs.trace.places import ExportedPlace
from jobs.trace.reading import LINE_TABLES, Rows
from jobs.trace.tree import Node

_PSEUDONYM = re.compile(r"[0-9a-f]{32}")


def export(call: Call, what: str) -> Node:
    """From an exported file (its key, its address, a copy of it or its SHA-256) to the landed files."""
    found = _exported(call, what)
    place, others = found[0], found[1:]
    family = call.families(place.release, [f"gold.{place.export}"])
    source = _table_behind(call, place.release, f"gold.{place.export}", family)
    file = [place.file] if place.file is not None else place.record["files"]
    also = tuple(Node("same bytes in", other.release.id) for other in others)
    node = answers.export(place.export, place.record, file, source, _release(call, place.release), *also)
    return Node("trace of", what, {}, (node,))


def user(call: Call, pseudonym: str, *, tables: Sequence[str], item: str | None, release_id: str | None, with_text: bool) -> Node:
    """From a user's rows in a release to the landed lines; raises BadDataError when the release does not know the user."""
    if not _PSEUDONYM.fullmatch(pseudonym):
        raise BadDataError(
            f"user {pseudonym!r}",
            expected="a pseudonym, 32 hexadecimal digits",
            found=f"{len(pseudonym)} characters",
            advice="Give the shop's own id with --raw (that needs the key), or make the pair: python -m jobs.privacy pseudonym.",
        )
    found = named(call.store, release_id)
    asked = [_table_of_users(found, name) for name in tables] or [
        contract_of(name) for name in sorted(found.content.tables) if "user_id" in contract_of(name).column_names
    ]
    call.require(found, [*(table.name for table in (*asked, *LINE_TABLES)), USER_FEATURES.name, INTERACTIONS.name])
    snapshots, day = found.content.snapshots(), found.content.day
    most = max(call.limit, SLATE_SIZE)
    rows = {table.name: call.reader.rows_of_user(table, snapshots[table.name], day, pseudonym, item=item, limit=most) for table in asked}
    if not any(one.total for one in rows.values()):
        raise _unknown_user(found, pseudonym, item, asked)
    lines = call.reader.lines_of_user(snapshots, pseudonym, day, call.limit)
    own = sum(one.total for one in lines.values())
    behind = {name: one for one in call.families(found, [table.name for table in asked]) for name in one.recorded["tables"]}
    parts = [
        _rows_of_table(call, found, table, rows[table.name], behind.get(table.name), lines=own) for table in asked if rows[table.name].total
    ]
    features = call.reader.features_of_user(snapshots[USER_FEATURES.name], day, pseudonym) if USER_FEATURES.name in snapshots else None
    if features is not None and USER_FEATURES not in asked:
        parts.append(answers.row(f"{USER_FEATURES.name}@{snapshots[USER_FEATURES.name]}", features, USER_FEATURES.key))
    texts = _texts(call, call.snapshots(found), lines) if with_text else None
    parts += [answers.lines_of_user(f"{name}@{snapshots[name]}", one.shown, one.total, texts) for name, one in lines.items()]
    parts.append(_release(call, found))
    return Node("user", pseudonym, {}, tuple(parts))


def model(call: Call, family: str, version: str) -> Node:
    """From a model version to its run, its snapshots, the landed files, and the releases that it served."""
    behind = call.family(family, {"name": family, "version": version})
    releases = read_all(call.store)
    served = [one for one in releases if str(one.content.models.get(family, {}).get("version")) == version]
    if behind.trained is None and behind.decision is None and not served:
        known = sorted({name for one in releases for name in one.content.models})
        raise BadDataError(
            f"model {family} version {version}",
            expected=f"a version that MLflow, ops.decisions or a release knows; families: {', '.join(known) or 'none yet'}",
            found="none" if behind.is_answered else "none, and MLflow does not answer",
            advice="MLflow's page of models lists the versions; `python -m jobs.release list` those that served.",
        )
    parts: list[Node] = []
    trained = behind.trained
    if trained is not None and trained.snapshots:
        snapshots = call.reader.snapshots(trained.snapshots)
        quality = call.reader.verdicts(trained.snapshots)
        parts += [
            answers.snapshot(name, snapshot_id, snapshots.get(name), quality.get(name))
            for name, snapshot_id in sorted(trained.snapshots.items())
        ]
        if trained.as_of_date:
            parts.append(call.landed_files(snapshots, date.fromisoformat(trained.as_of_date)))
    now = current(call.store)
    parts += [answers.release(one, now) for one in sorted(served, key=lambda one: one.key, reverse=True)[: call.limit]]
    facts = {"releases": len(served), "shown": len(served[: call.limit]) if len(served) > call.limit else None}
    return Node("model", f"{family} version {version}", facts, (*answers.training(behind), *parts))


def _exported(call: Call, what: str) -> list[ExportedPlace]:
    copy = Path(what)
    if places.is_sha256(what):
        return places.by_sha256(read_all(call.store), what)
    if not what.startswith("exports/") and copy.is_file():
        with copy.open("rb") as stream:
            return places.by_sha256(read_all(call.store), hashlib.file_digest(stream, "sha256").hexdigest())
    key = places.key_of(what, call.settings.bucket_of_exports)
    return [places.by_key(read(call.store, places.release_of_key(key)), key)]


def _release(call: Call, found: Release) -> Node:
    snapshots, quality = call.snapshots(found), found.content.quality
    day_set = answers.set_of(found, snapshots, quality)
    return answers.release(found, current(call.store), day_set, call.landed_files(snapshots, found.content.day))


def _table_behind(call: Call, found: Release, table: str, families: Sequence[FamilyBehind], *rows: Node) -> Node:
    version = found.content.snapshots()[table]
    models = (answers.model(behind) for behind in families)
    return answers.snapshot(table, version, call.snapshots(found).get(table), found.content.quality.get(table), *models, *rows)


def _table_of_users(found: Release, name: str) -> Table:
    full = name if "." in name else f"gold.{name}"
    there = [one for one in sorted(found.content.snapshots()) if "user_id" in contract_of(one).column_names]
    if full not in there:
        raise BadDataError(
            f"table {name}",
            expected=f"a table of users that release {found.id} holds: {', '.join(there)}",
            found=full,
            advice="Name one of these.",
        )
    return contract_of(full)


def _unknown_user(found: Release, user: str, item: str | None, tables: Sequence[Table]) -> BadDataError:
    asked = f" with item {item}" if item is not None else ""
    return BadDataError(
        f"user {user} in release {found.id}",
        expected=f"a row{asked} in {' or '.join(table.name for table in tables)}",
        found="none",
        advice="Another release: --release ID. Was that the shop's own id? --raw makes its pseudonym. "
        "A user whose first line landed after the release's day is not in it.",
    )


def _rows_of_table(call: Call, found: Release, table: Table, rows: Rows, family: FamilyBehind | None, *, lines: int) -> Node:
    if table == RECOMMENDATIONS and family is not None:
        nodes = _recommended(call, found, family, rows, lines)
    else:
        nodes = tuple(answers.row(table.name, values, table.key) for values in rows.shown)
    return _table_behind(call, found, table.name, [family] if family else [], *nodes)


def _recommended(call: Call, found: Release, family: FamilyBehind, rows: Rows, lines: int) -> tuple[Node, ...]:
    items = {values["item_id"] for values in rows.shown}
    counts = call.reader.counts_of_items(found.content.snapshots()[INTERACTIONS.name], items, found.content.day)
    trained, learnt_from = family.trained, None
    if trained and trained.window and INTERACTIONS.name in trained.snapshots:
        first, last = map(date.fromisoformat, trained.window)
        learnt_from = call.reader.interactions_between(trained.snapshots[INTERACTIONS.name], first, last)
    return answers.recommended(rows.shown, RECOMMENDATIONS.key, family, counts=counts, learnt_from=learnt_from, lines=lines)


def _texts(call: Call, snapshots: Mapping[str, Snapshot], lines: Mapping[str, Rows]) -> dict[tuple[str, int], str]:
    wanted = [(values["source_file"], values["line_number"]) for rows in lines.values() for values in rows.shown]
    return call.reader.raw_lines(call.bronze_behind(snapshots), wanted)
