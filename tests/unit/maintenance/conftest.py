"""Histories of tables as builders: a test names only what it is about."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from jobs.maintenance.history import History, Reference, Snapshot

NOW = datetime(2026, 7, 31, tzinfo=UTC)

MakeHistory = Callable[..., History]


def snapshot(number: int, days_ago: float, *, parent: int | None = None, operation: str = "overwrite", **summary: str) -> Snapshot:
    """A snapshot; its parent is the number before it unless another is given, 0 for none."""
    before = (number - 1 or None) if parent is None else parent or None
    named = {name.replace("_", "-"): value for name, value in summary.items()}
    return Snapshot(number, before, NOW - timedelta(days=days_ago), operation, named)


def history(*snapshots: Snapshot, main: int, branches: dict[str, int] | None = None, tags: dict[str, int] | None = None) -> History:
    """A table of these snapshots."""
    references = [Reference("main", True, main)]
    references += [Reference(name, True, number) for name, number in (branches or {}).items()]
    references += [Reference(name, False, number) for name, number in (tags or {}).items()]
    return History("silver.events", {one.id: one for one in snapshots}, tuple(references))


@pytest.fixture
def daily() -> MakeHistory:
    """A table that was written once a day, snapshot n being n days older than the newest, which is number 10; keywords as ``history``."""

    def make(**keywords: dict[str, int]) -> History:
        return history(*(snapshot(number, 10 - number) for number in range(1, 11)), main=10, **keywords)

    return make
