"""The pins and the check of the sums."""

import hashlib
from pathlib import Path

import pytest

from stack import jars
from stack.errors import StackError
from stack.settings import StackSettings


def test_every_pin_has_a_whole_sum() -> None:
    assert [len(jar.sha256) for jar in jars.pinned()] == [64] * len(jars.pinned())


def test_spark_gets_iceberg_and_the_catalogs_driver_but_not_the_object_store(tmp_path: Path) -> None:
    names = [path.name.split("-")[0] for path in jars.spark_jars(tmp_path)]
    assert names == ["iceberg", "iceberg", "postgresql"]
    assert jars.object_store_jar(tmp_path).name == "s3proxy-4.1.0-jar-with-dependencies.jar"


def test_the_jars_on_this_machine_are_the_pinned_ones() -> None:
    folder = StackSettings.from_environment().jars_dir
    found = {jar.name: jars.sha256_of(folder / jar.file_name) for jar in jars.pinned()}
    assert found == {jar.name: jar.sha256 for jar in jars.pinned()}


def test_a_file_with_another_sum_is_refused_with_both_sums(tmp_path: Path) -> None:
    path = tmp_path / "thing-1.jar"
    path.write_bytes(b"not what was pinned")
    jar = jars.Jar("org.example", "thing", "1", sha256="0" * 64, spark=True)
    with pytest.raises(StackError, match=hashlib.sha256(b"not what was pinned").hexdigest()):
        jars.check(path, jar)


def test_only_missing_jars_are_fetched(tmp_path: Path) -> None:
    for jar in jars.pinned():
        (tmp_path / jar.file_name).touch()
    assert jars.fetch(tmp_path, java=Path("/nonexistent"), ivy=Path("/nonexistent")) == ()


def test_the_fetching_names_no_registry() -> None:
    assert "http" not in jars.IVY_SETTINGS
    assert "http" not in jars.PINS.read_text(encoding="utf-8")
