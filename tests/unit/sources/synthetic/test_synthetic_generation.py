"""The whole shop through Spark: the same bytes however Spark is set up."""

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs.landing import MARKER, Marker
from jobs.sources.synthetic.generation import Generated, generate
from jobs.sources.synthetic.places import Folder
from jobs.sources.synthetic.shop import FEEDS, Shop

Make = Callable[..., Generated]


@pytest.fixture(scope="module")
def make(spark: SparkSession) -> Make:
    def run(root: Path, partitions: int, seed: int = 7, days: int = 4) -> Generated:
        shop, place = Shop(users=260, items=60, days=days, seed=seed, last_day=date(2026, 6, 30), user_days_per_block=240), Folder(root)
        return generate(shop, spark=spark, landing=place, answers_place=place, partitions=partitions, tell=lambda _: None)

    return run


def hashes(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*") if path.is_file()}


def test_the_bytes_do_not_depend_on_partitions_but_on_the_seed(make: Make, tmp_path: Path) -> None:
    found = []
    for partitions in (1, 2, 5):
        make(tmp_path / str(partitions), partitions)
        found.append(hashes(tmp_path / str(partitions)))
    assert found[0] == found[1] == found[2]
    make(tmp_path / "other", 2, seed=8)
    other = hashes(tmp_path / "other")
    files = [name for name in found[0] if name.endswith(".gz")]
    assert len([name for name in files if "events" in name]) > 4 * 4
    assert not [name for name in files if other.get(name) == found[0][name]]


def test_writing_again_replaces_a_longer_shop(make: Make, tmp_path: Path) -> None:
    make(tmp_path / "again", 2, seed=9, days=6)
    make(tmp_path / "again", 2)
    make(tmp_path / "once", 2)
    assert hashes(tmp_path / "again") == hashes(tmp_path / "once")


def test_each_day_and_feed_has_a_marker_that_describes_its_files(make: Make, tmp_path: Path) -> None:
    result = make(tmp_path, 2)
    rows = dict.fromkeys(FEEDS, 0)
    markers = sorted(tmp_path.rglob(MARKER))
    assert len(markers) == len(FEEDS) * 4
    for path in markers:
        marker = Marker.from_json(path.read_bytes(), path.name)
        assert {file.name for file in marker.files} == {other.name for other in path.parent.iterdir()} - {MARKER}
        assert all(hashlib.sha256((path.parent / f.name).read_bytes()).hexdigest() == f.sha256 for f in marker.files)
        assert all((path.parent / f.name).stat().st_size == f.bytes for f in marker.files)
        rows[marker.feed] += marker.rows
    assert rows == {feed: result.lines(feed) for feed in rows}


def test_the_answers_hold_every_user_and_lie_outside_the_landing_zone(make: Make, tmp_path: Path) -> None:
    make(tmp_path, 2)
    users = pq.read_table(tmp_path / "answers/synthetic/users").to_pylist()
    assert sorted(user["user_id"] for user in users) == [f"u{number:06d}" for number in range(260)]
    answers = json.loads((tmp_path / "answers/synthetic/answers.json").read_text())
    assert answers["counts"]["events"]["kept"] > 0
    assert not list((tmp_path / "landing").rglob("*.parquet"))
