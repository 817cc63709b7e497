"""A valid release, so that a test shows only what it is about."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.release.record import Content, Release, ReleaseKey, SetVersion, TableVersion
from jobs.settings import Settings
from jobs.store import Store
from tests.clearing import delete_releases

MakeRelease = Callable[..., Release]


@pytest.fixture
def make_release() -> MakeRelease:
    """Build a release of an id; keywords replace its fields, ``rows`` those of its export."""

    def make(release_id: str, *, rows: int = 3, **fields: Any) -> Release:
        key = ReleaseKey.parse(release_id)
        version = TableVersion(snapshot_id="1152921504606846977", content_hash=f"{rows}-00ff")
        export = {
            "schema_version": 1,
            "prefix": f"exports/cups/schema=v1/release={release_id}/",
            "rows": rows,
            "content_hash": "a",
            "files": [],
        }
        content = Content(
            day=key.day,
            set=SetVersion(id=f"{key.day}-000001", tables={"silver.events": version}),
            tables={"gold.user_segments": version},
            models={"recommender": {"name": "popularity", "version": None, "reason": "nothing trained"}},
            exports={"user_segments": export},
            quality={"gold.user_segments": {"evaluated": 4, "critical_failed": 0, "warnings": 1}},
        )
        given: dict[str, Any] = {
            "id": release_id,
            "day": key.day,
            "sequence": key.sequence,
            "run_id": "run",
            "attempt": 1,
            "code_version": "0",
            "created_at": datetime(2026, 7, 1, tzinfo=UTC),
            "content": content,
        }
        return Release(**(given | fields))

    return make


@pytest.fixture
def store(services: Settings) -> Iterator[Store]:
    """The object store, empty of releases before and after the test."""
    found = Store.from_settings(services)
    delete_releases(found)
    yield replace(found)
    delete_releases(found)
