"""Who opens the current release while others are made, and while their makers die, sees each whole or not at all."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from jobs.contract import Column, Table
from jobs.export.exports import Export
from jobs.release.releases import committed
from jobs.settings import Settings
from jobs.store import Store
from stack.services import Stack
from tests.clearing import delete_releases
from tests.small_release import released

DAY = date(2029, 3, 1)
RELEASES, SEED = 30, 11
WRITES = 7
"""Objects that the driver of a publisher of two exports writes: number, two manifests, two marks, the release, the copy for people."""


def table(name: str) -> Table:
    columns = (
        Column("as_of_date", "date", "Day."),
        Column("user_id", "string", "User."),
        Column("generation", "int", "Number of the release."),
    )
    return Table(name=f"gold.{name}", doc="One row a user.", columns=columns, key=("as_of_date", "user_id"), partitioned_by="as_of_date")


EXPORTS = (Export("polled_users", table("polled_users"), rows_per_file=20), Export("polled_tags", table("polled_tags")))


class KilledError(Exception):
    """The publisher dies here."""


@dataclass(frozen=True)
class Dying(Store):
    """A store whose user is killed at the write after ``left`` ones; files of an export are written by Spark's tasks, beside it."""

    left: list[int] = field(default_factory=lambda: [1_000])

    def _spend(self) -> None:
        self.left[0] -= 1
        if self.left[0] < 0:
            raise KilledError

    def write(self, key: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        self._spend()
        super().write(key, content, content_type)

    def create(self, key: str, content: bytes) -> bool:
        self._spend()
        return super().create(key, content)


def numbered(sequence: int) -> dict[Export, list[tuple[Any, ...]]]:
    """Rows that all say the number of their release."""
    return {export: [(DAY, f"u{n}", sequence) for n in range(50)] for export in EXPORTS}


@pytest.fixture
def store(services: Settings) -> Iterator[Store]:
    found = Store.from_settings(services)
    delete_releases(found)
    yield found
    delete_releases(found)


@pytest.mark.timeout(300)
def test_a_polling_reader_never_sees_a_release_in_parts(store: Store, spark: SparkSession, test_stack: Stack, tmp_path: Path) -> None:
    stop, chance = tmp_path / "stop", np.random.default_rng(SEED)
    command = [sys.executable, "-m", "tests.integration.polling_reader", str(stop)]
    with subprocess.Popen(
        command,
        env=os.environ | {"TRADEWIND_ENV_FILE": str(test_stack.env_file)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as reader:
        killed = 0
        while len(committed(store)) < RELEASES:
            dying = Dying(**{name: getattr(store, name) for name in ("bucket", "endpoint", "region", "access_key", "secret_key")})
            if chance.random() < 0.25:
                dying.left[0] = int(chance.integers(1, WRITES))
            before = len(committed(store))
            try:
                released(dying, spark, DAY, numbered)
            except KilledError:
                killed += len(committed(store)) == before
        stop.touch()
        out, errors = reader.communicate(timeout=60)
    assert reader.returncode == 0, errors
    found = json.loads(out)
    assert found["wrong"] == []
    assert killed >= 4
    assert found["polls"] > RELEASES
    assert found["seen"][-1] == committed(store)[-1].id
    assert len(found["seen"]) > RELEASES / 2
