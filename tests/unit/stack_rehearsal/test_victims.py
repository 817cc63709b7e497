"""Which processes a rehearsal kills as drivers: those with a task, not those that wait for one, nor who asked for it."""

from pathlib import Path

import pytest

from jobs.turns import Place
from stack.rehearsal.victims import is_at_work

JVM = ["java", "org.apache.spark.deploy.SparkSubmit", "--name", "refine_daily.silver"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ([*JVM, "/srv/bin/spark_entry.py", "silver.events"], True),
        (["python", "/srv/bin/spark_entry.py", "silver.events"], True),
        (["python3", "/srv/bin/submit.py", "--name", "x", "/srv/bin/spark_entry.py", "silver.events"], False),
        (["python", "-m", "jobs.trace"], False),
    ],
)
def test_a_driver_of_its_own_is_at_work_as_long_as_it_lives(command: list[str], *, expected: bool) -> None:
    assert is_at_work(command) is expected


def test_a_driver_that_stays_is_at_work_unless_it_waits(tmp_path: Path) -> None:
    place = Place(tmp_path, "k" * 16, "abcd")
    command = [*JVM, "/srv/bin/spark_driver.py", str(tmp_path), place.key, place.name, "120"]
    assert is_at_work(command)
    place.idle.touch()
    assert not is_at_work(command)
