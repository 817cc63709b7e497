"""What the demonstration shows at its end: pages, release, rows, segments, recommendations, exports, seconds."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import RenderableType
from rich.table import Table

from jobs.release.record import Release
from jobs.store import Store
from stack.demo.counting import RowCounts

SHOWN_USERS = 3
SHOWN_ITEMS = 5


@dataclass(frozen=True)
class Page:
    """A page in the browser and how to log in to it; ``login`` is empty where nobody asks."""

    name: str
    address: str
    login: str


@dataclass(frozen=True)
class SegmentSize:
    """One segment: the scheme that it belongs to, its name, its users, its meaning."""

    scheme: str
    segment: str
    user_count: int
    meaning: str


@dataclass(frozen=True)
class Recommended:
    """One user: pseudonym, segments, the first recommended items in order."""

    user_id: str
    segments: str
    items: tuple[str, ...]
    count: int


@dataclass(frozen=True)
class Summary:
    """Everything that is shown."""

    pages: Sequence[Page]
    release: Release
    is_current: bool
    counts: Mapping[str, RowCounts]
    segments: Sequence[SegmentSize]
    users: Sequence[Recommended]
    seconds: Mapping[str, float]


def exported_rows(store: Store, release: Release, export: str) -> pa.Table:
    """The rows of an export of the release, from its Parquet files."""
    keys = [file["key"] for file in release.content.exports[export]["files"] if file["format"] == "parquet"]
    parts = []
    for key in keys:
        with store.open(key) as stream:
            parts.append(pq.read_table(io.BytesIO(stream.read())))
    return pa.concat_tables(parts)


def segment_sizes(profiles: pa.Table) -> list[SegmentSize]:
    """The segments of all schemes, the largest of each first."""
    rows = profiles.select(["scheme", "segment", "user_count", "meaning"]).to_pylist()
    found = [SegmentSize(row["scheme"], row["segment"], row["user_count"], row["meaning"]) for row in rows]
    return sorted(found, key=lambda size: (size.scheme, -size.user_count, size.segment))


def recommended(recommendations: pa.Table, segments: pa.Table, users: int = SHOWN_USERS) -> list[Recommended]:
    """The recommendations of the first users of different RFM segments, the most populous segment first."""
    by_user = {row["user_id"]: row for row in segments.to_pylist()}
    sizes: dict[str, list[str]] = {}
    for user_id in sorted(by_user):
        sizes.setdefault(by_user[user_id]["rfm_segment"], []).append(user_id)
    groups = sorted(sizes.items(), key=lambda group: (-len(group[1]), group[0]))
    chosen = [members[0] for _, members in groups[:users]]
    chosen += [user for user in sorted(by_user) if user not in chosen][: users - len(chosen)]
    column = recommendations.column("user_id")
    rows = recommendations.filter(pa.compute.is_in(column, value_set=pa.array(chosen, type=column.type))).to_pylist()
    shown = []
    for user_id in chosen:
        ranked = sorted((row for row in rows if row["user_id"] == user_id), key=lambda row: row["rank"])
        names = ", ".join(
            str(by_user[user_id][name]) for name in ("rfm_segment", "behaviour_segment", "taste_segment") if by_user[user_id].get(name)
        )
        shown.append(Recommended(user_id, names, tuple(row["item_id"] for row in ranked[:SHOWN_ITEMS]), len(ranked)))
    return shown


def as_tables(summary: Summary) -> Iterator[RenderableType]:
    """The summary, top to bottom, as a terminal shows it."""
    yield _seconds(summary.seconds)
    yield _counts(summary.counts)
    yield _reasons(summary.counts)
    yield _segments(summary.segments)
    yield _users(summary.users)
    yield _exports(summary.release)
    yield _release(summary.release, is_current=summary.is_current)
    yield _pages(summary.pages)


def _seconds(seconds: Mapping[str, float]) -> Table:
    table = Table("phase", "seconds", title="Time")
    for phase, spent in seconds.items():
        table.add_row(phase, f"{spent:,.0f}")
    table.add_row("all", f"{sum(seconds.values()):,.0f}", style="bold")
    return table


def _counts(counts: Mapping[str, RowCounts]) -> Table:
    table = Table("table", "read", "kept", "rejected", "merged copies", "adds up", title="Rows: read = kept + rejected + merged")
    for name, found in counts.items():
        table.add_row(name, *(f"{n:,}" for n in (found.read, found.kept, found.rejected, found.merged)), "yes" if found.adds_up else "NO")
    return table


def _reasons(counts: Mapping[str, RowCounts]) -> Table:
    table = Table("table", "reason", "rows", title="Why rows were rejected (a row may have several reasons)")
    for name, found in counts.items():
        for reason, rows in sorted(found.reasons.items(), key=lambda pair: (-pair[1], pair[0])):
            table.add_row(name, reason, f"{rows:,}")
    if not table.rows:
        table.add_row("none was", "", "")
    return table


def _segments(segments: Sequence[SegmentSize]) -> Table:
    table = Table("scheme", "segment", "users", "who they are", title="Segments")
    for size in segments:
        table.add_row(size.scheme, size.segment, f"{size.user_count:,}", size.meaning)
    return table


def _users(users: Sequence[Recommended]) -> Table:
    table = Table("user (pseudonym)", "segments", "first recommendations", "in all", title="Three users")
    for user in users:
        table.add_row(f"{user.user_id[:16]}...", user.segments, ", ".join(user.items), str(user.count))
    return table


def _exports(release: Release) -> Table:
    table = Table("export", "object", "rows", "bytes", title="Exported objects")
    for name, export in release.content.exports.items():
        for file in export["files"]:
            table.add_row(name, file["key"], f"{file['rows']:,}", f"{file['bytes']:,}")
    for column in table.columns:
        column.overflow = "fold"
    return table


def _release(release: Release, *, is_current: bool) -> Table:
    table = Table(show_header=False, title="Release")
    table.add_row("number", release.id + (" (current)" if is_current else ""))
    table.add_row("day", str(release.content.day))
    for family, model in release.content.models.items():
        served = (
            f"{model['name']} version {model['version']}"
            if model.get("version")
            else f"{model['name']}: {model.get('reason', 'no model yet')}"
        )
        table.add_row(f"serves {family}", served)
    return table


def _pages(pages: Sequence[Page]) -> Table:
    table = Table("page", "address", "login", title="Pages")
    for page in pages:
        table.add_row(page.name, page.address, page.login)
    for column in table.columns:
        column.overflow = "fold"
    return table
