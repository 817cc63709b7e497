"""A rehearsal's verdict: what a reader must not meet, and what counts as harm."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, cast

import pytest

from jobs.release.record import Content, Release, SetVersion, TableVersion
from jobs.store import Store
from stack.rehearsal.legs import Kill
from stack.rehearsal.reader import problems
from stack.rehearsal.verdict import Verdict, as_markdown, summary
from stack.rehearsal.victims import VICTIMS, plan

PREFIX = "exports/user_segments/schema=v1/release=2026-06-30-000001/"
ROWS = b"rows"
OBJECTS = {
    f"{PREFIX}parquet/part-00000.parquet": ROWS,
    f"{PREFIX}_manifest.json": json.dumps({"release": "2026-06-30-000001", "set": {"silver.events": "7"}}).encode(),
    f"{PREFIX}_SUCCESS": b"",
}
RELEASE = Release(
    id="2026-06-30-000001",
    day=date(2026, 6, 30),
    sequence=1,
    run_id="run",
    attempt=1,
    code_version="0",
    created_at=datetime(2026, 7, 1, tzinfo=UTC),
    content=Content(
        day=date(2026, 6, 30),
        set=SetVersion(id="2026-06-30-000001", tables={"silver.events": TableVersion(snapshot_id="7", content_hash="3-a")}),
        tables={},
        models={},
        exports={
            "user_segments": {
                "prefix": PREFIX,
                "manifest": f"{PREFIX}_manifest.json",
                "files": [{"key": f"{PREFIX}parquet/part-00000.parquet", "sha256": hashlib.sha256(ROWS).hexdigest()}],
            }
        },
        quality={},
    ),
)
UNHARMED = Verdict(
    kills=[Kill(1, 33.0, date(2026, 6, 30), "refine_daily.silver, attempt 1", "postgres", "back and healthy", 4.0)],
    cleared=0,
    before={"silver.events": "3-a"},
    undisturbed={"silver.events": "3-a"},
    releases=({"gold.user_segments": "2-b"}, {"gold.user_segments": "2-b"}),
    unaccounted={"events": 0},
    mixed=[],
    releases_read=1,
    seconds=60.0,
)


class Shelf:
    """What a reader needs of an object store, from a dictionary."""

    def __init__(self, objects: Mapping[str, bytes]) -> None:
        self.objects = objects

    def read(self, key: str) -> bytes | None:
        return self.objects.get(key)


def found(changes: Mapping[str, bytes | None]) -> list[str]:
    objects = {key: content for key, content in {**OBJECTS, **changes}.items() if content is not None}
    return problems(cast("Store", Shelf(objects)), RELEASE)


def test_a_whole_release_has_no_problems() -> None:
    assert found({}) == []


@pytest.mark.parametrize(
    ("key", "content", "problem"),
    [
        ("parquet/part-00000.parquet", None, "is missing"),
        ("parquet/part-00000.parquet", b"half", "is another file"),
        ("_SUCCESS", None, "has no _SUCCESS"),
        ("_manifest.json", b'{"release": "2026-06-30-000002", "set": {"silver.events": "7"}}', "of release 2026-06-30-000002"),
        ("_manifest.json", b'{"release": "2026-06-30-000001", "set": {"silver.events": "8"}}', "of another set"),
    ],
)
def test_a_half_or_mixed_release_is_seen(key: str, content: bytes | None, problem: str) -> None:
    assert [problem in line for line in found({PREFIX + key: content})] == [True]


@pytest.mark.parametrize(
    "harm",
    [
        {"before": {"silver.events": "2-a"}},
        {"releases": ({"gold.user_segments": "2-b"}, {"gold.user_segments": "2-c"})},
        {"unaccounted": {"events": 1}},
        {"unaccounted": {"events": -1}},
        {"unaccounted": {"events": 1, "orders": -1}},
        {"mixed": ["2026-06-30-000001: a file is missing"]},
    ],
)
def test_each_harm_spoils_the_verdict(harm: dict[str, Any]) -> None:
    assert UNHARMED.is_unharmed
    assert not replace(UNHARMED, **harm).is_unharmed


def test_the_page_names_every_kill_and_the_figures() -> None:
    page = as_markdown(replace(UNHARMED, unaccounted={"events": 2}), "make rehearse KILLS=1")
    assert "| 1 | 33 s | 2026-06-30 | refine_daily.silver, attempt 1 | postgres | back and healthy | 4 |" in page
    assert "rows lost: 2, doubled: 0" in summary(replace(UNHARMED, unaccounted={"events": 2}))


def test_victims_come_in_a_seeded_order_each_as_often_as_the_others() -> None:
    assert plan(50, seed=1) == plan(50, seed=1) != plan(50, seed=2)
    assert Counter(plan(50, seed=1)) == dict.fromkeys(VICTIMS, 10)
