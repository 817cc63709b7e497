"""What jobs are given is what their settings accept."""

import stat
from dataclasses import replace
from pathlib import Path

from jobs.settings import Settings
from stack.class_archive import ClassArchive
from stack.credentials import Credentials
from stack.job_conf import job_settings, write_env_file, write_spark_conf
from stack.settings import Ports, StackSettings

JARS = [Path("/j/a.jar"), Path("/j/b.jar")]


def spark_defaults(folder: Path) -> dict[str, str]:
    lines = (folder / "spark-defaults.conf").read_text(encoding="utf-8").splitlines()
    return {name: value for name, _, value in (line.partition(" ") for line in lines)}


def test_the_env_file_is_complete_private_and_understood(tmp_path: Path) -> None:
    credentials = Credentials()
    values = job_settings(
        shop="corner",
        source="synthetic",
        ports=replace(Ports(), postgres=15432),
        credentials=credentials,
        jars_dir=tmp_path / "jars",
        scratch_dir=tmp_path / "scratch",
        settings=StackSettings(),
    )
    write_env_file(tmp_path / "tradewind.env", values)
    settings = Settings.from_environment({"TRADEWIND_ENV_FILE": str(tmp_path / "tradewind.env")})
    assert settings.shop == "corner"
    assert settings.pages_url == "http://127.0.0.1:28081"
    assert settings.catalog_uri == "jdbc:postgresql://127.0.0.1:15432/lake"
    assert settings.pseudonym_key.get_secret_value() == credentials.pseudonym_key
    assert stat.S_IMODE((tmp_path / "tradewind.env").stat().st_mode) == 0o600


def test_sparks_defaults_name_the_jars_and_no_secret(tmp_path: Path) -> None:
    write_spark_conf(tmp_path, jars=JARS, driver_memory="2g", scratch_dir=tmp_path, archive=None)
    defaults = spark_defaults(tmp_path)
    assert defaults["spark.jars"] == "/j/a.jar,/j/b.jar"
    assert defaults["spark.driver.memory"] == "2g"
    assert not [name for name in defaults if "password" in name or "secret" in name]


def test_with_an_archive_the_jars_are_on_the_class_path_that_it_is_for(tmp_path: Path) -> None:
    archive = ClassArchive(tmp_path / "classes.jsa", "/j/a.jar:/j/b.jar:/spark/jars/*")
    write_spark_conf(tmp_path, jars=JARS, driver_memory="2g", scratch_dir=tmp_path, archive=archive)
    defaults = spark_defaults(tmp_path)
    assert "spark.jars" not in defaults
    assert defaults["spark.driver.extraClassPath"] == "/j/a.jar:/j/b.jar:/spark/jars/*"
    assert f"-XX:SharedArchiveFile={tmp_path}/classes.jsa" in defaults["spark.driver.extraJavaOptions"]
