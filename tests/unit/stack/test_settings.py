"""The stack's settings refuse strangers and say what they know."""

from pathlib import Path

import pytest

from stack.errors import StackError
from stack.settings import Ports, StackSettings


def test_a_misspelt_variable_is_an_error_that_lists_the_real_ones() -> None:
    with pytest.raises(StackError, match=r"Unknown setting TWSTACK_POSTGRS_PORT.*TWSTACK_POSTGRES_PORT"):
        StackSettings.from_environment({"TWSTACK_POSTGRS_PORT": "1"})


def test_a_word_where_a_number_belongs_is_named() -> None:
    with pytest.raises(StackError, match="TWSTACK_S3_PORT is 'nine'"):
        StackSettings.from_environment({"TWSTACK_S3_PORT": "nine"})


def test_ports_and_places_can_be_set() -> None:
    settings = StackSettings.from_environment({"TWSTACK_AIRFLOW_PORT": "18080", "TWSTACK_LOCAL_DIR": "/elsewhere"})
    assert (settings.ports.airflow, settings.ports.postgres) == (18080, 25432)
    assert settings.jars_dir == Path("/elsewhere/jars")


def test_what_the_stack_tells_its_tasks_is_no_stranger() -> None:
    assert StackSettings.from_environment({"TWSTACK_HOME": "/x", "TWSTACK_JOBS_PYTHON": "/y"}) == StackSettings()


def test_free_ports_differ() -> None:
    assert len(set(Ports.free().by_variable().values())) == 5
