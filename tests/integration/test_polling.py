"""Who opens the current release while others are made, and while their makers die, sees each whole or not at all."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
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
WAITED = 3
"""Every so many releases the publisher waits for the reader; in between it does not."""

WRITES = 7
"""Objects that the driver of a publisher of two exports writes: number, two manifests, two marks, the release, the copy for people."""


def table(name: str) -> Table:
    columns = (
        Column("as_of_date", "date", "Day."),
        Column("user_id", "string", "User."),
        Column("generation", "int", "Number of the release."),
    )
    return Table(name=f"gold.{name}", doc="One row a user.", columns=columns, key=("as_of_date", "user_id"), partitioned_by="as_of_date")


EXPORTS = (Export("polled_users", table("polled_users"), rows_per_file=30), Export("polled_tags", table("polled_tags")))


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


def made_and_killed(store: Store, spark: SparkSession, reader: "subprocess.Popen[str]", seen: Path) -> int:
    """Make the releases, by publishers of which some die on the way; returns how many died before their commit."""
    chance, killed = np.random.default_rng(SEED), 0
    while (made := len(committed(store))) < RELEASES:
        dying = Dying(**{one.name: getattr(store, one.name) for one in fields(Store)})
        if chance.random() < 0.25:
            dying.left[0] = int(chance.integers(1, WRITES))
        try:
            released(dying, spark, DAY, numbered)
        except KilledError:
            killed += len(committed(store)) == made
        if made and made % WAITED == 0:
            await_reader(reader, seen, committed(store)[-1].sequence)
    return killed


@pytest.mark.timeout(300)
def test_a_polling_reader_never_sees_a_release_in_parts(store: Store, spark: SparkSession, test_stack: Stack, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.integration.polling_reader", str(tmp_path)]
    environ = os.environ | {"TRADEWIND_ENV_FILE": str(test_stack.env_file)}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        try:
            killed = made_and_killed(store, spark, reader, tmp_path / "seen")
        finally:
            (tmp_path / "stop").touch()
            out, errors = reader.communicate(timeout=60)
    assert reader.returncode == 0, errors
    found = json.loads(out)
    assert found["wrong"] == []
    assert killed >= 4
    assert found["seen"][-1] == committed(store)[-1].id
    assert len(found["seen"]) >= RELEASES / WAITED


def await_reader(reader: "subprocess.Popen[str]", seen: Path, sequence: int) -> None:
    """Until the reader has opened the release of that number, or a later one; however busy the machine is, it sees some of them."""
    while reader.poll() is None and (not seen.exists() or int(seen.read_text(encoding="utf-8") or "0") < sequence):
        time.sleep(0.05)
