"""An archive is made for one Java and one set of jars, and is worth something to the JVM that is given it."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from stack import java
from stack.class_archive import ClassArchive
from stack.settings import StackSettings

SETTINGS = StackSettings.from_environment()


@pytest.fixture
def archive() -> ClassArchive:
    found = ClassArchive.of(SETTINGS)
    assert found is not None
    return found


def test_a_cluster_has_no_archive() -> None:
    assert ClassArchive.of(replace(SETTINGS, spark_master="spark://host:7077")) is None


def test_the_jvm_takes_sparks_and_icebergs_classes_from_it(archive: ClassArchive, tmp_path: Path) -> None:
    if not archive.is_current(java.require()):
        pytest.skip("this machine has no class archive: make envs could not make one and has said why")
    script = tmp_path / "load.py"
    script.write_text(
        "from pyspark.sql import SparkSession\n"
        "spark = SparkSession.builder.config('spark.ui.enabled', 'false').getOrCreate()\n"
        "spark.sparkContext._jvm.org.apache.iceberg.aws.s3.S3FileIO()\n"
    )
    options = f"{archive.driver_options.replace('-Xlog:cds=off', '')} -Xlog:class+load:file={tmp_path}/loaded.txt"
    submit = SETTINGS.jobs_env / "bin" / "spark-submit"
    given = ["--driver-class-path", archive.class_path, "--conf", f"spark.driver.extraJavaOptions={options}"]
    command = [str(submit), "--master", "local[1]", *given, str(script)]
    environment = os.environ | {
        "JAVA_HOME": str(java.home(java.require())),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_CONF_DIR": str(tmp_path),
    }
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    loaded = (tmp_path / "loaded.txt").read_text(encoding="utf-8").splitlines()
    for name in ("org.apache.spark.sql.classic.SparkSession ", "org.apache.iceberg.aws.s3.S3FileIO "):
        assert [line for line in loaded if name in line and "shared objects file (top)" in line], name


def test_other_jars_or_another_java_make_it_stale(tmp_path: Path) -> None:
    jar = tmp_path / "a.jar"
    jar.write_bytes(b"one")
    small = ClassArchive(tmp_path / "classes.jsa", f"{jar}:{tmp_path}/more/*")
    assert not small.is_current(Path("/usr/bin/java"))
    small.file.touch()
    small.file.with_suffix(".stamp").write_text(small.stamp(Path("/a/java")), encoding="ascii")
    assert small.is_current(Path("/a/java"))
    assert not small.is_current(Path("/another/java"))
    jar.write_bytes(b"another")
    assert not small.is_current(Path("/a/java"))


def test_a_rehearsal_that_fails_leaves_no_archive_and_says_why(tmp_path: Path) -> None:
    submit = tmp_path / "spark-submit"
    submit.write_text("#!/bin/sh\necho 'no room'\nexit 3\n")
    submit.chmod(0o755)
    broken = ClassArchive(tmp_path / "classes.jsa", "")
    broken.file.touch()
    assert broken.make(java.require(), submit) == "no room"
    assert not broken.file.exists()
    assert not broken.is_current(java.require())
