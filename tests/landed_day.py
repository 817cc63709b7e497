"""Landed days of native events, as builders: a test names only what it is about."""

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from jobs.landing import LandedFile, Marker, folder, write_marker
from jobs.settings import Settings
from jobs.sources.source import load
from jobs.store import Store
from tests.bronze_rows import EVENT_LINE


def land_events(services: Settings, day: date, *entries: dict[str, Any] | str, claim: int | None = None) -> None:
    """Land a day of events (all other feeds empty); the marker claims ``claim`` rows where that differs from what lies there."""
    land_day(services, day, {"events": entries}, claim=claim)


def land_day(services: Settings, day: date, feeds: Mapping[str, Sequence[Mapping[str, Any] | str]], *, claim: int | None = None) -> None:
    """Land a day: a file for each feed that has entries, and an empty marker for the others."""
    store = Store.from_settings(services)
    for feed in (feed.name for feed in load(services.source, services.optional_feeds).feeds):
        lines = [e if isinstance(e, str) else json.dumps(e) for e in feeds.get(feed, ())]
        files = []
        if lines:
            content = gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)
            store.write(folder(services.source, feed, day) + "part-00000.jsonl.gz", content)
            files = [LandedFile("part-00000.jsonl.gz", claim or len(lines), len(content), hashlib.sha256(content).hexdigest())]
        write_marker(store, Marker(services.source, feed, day, sum(f.rows for f in files), tuple(files)))


def events_of(day: date, count: int) -> list[dict[str, Any]]:
    """Ordinary events of noon, one a second."""
    return [{**EVENT_LINE, "event_id": f"{day}-{n}", "occurred_at": f"{day}T12:00:{n:02d}Z"} for n in range(count)]
