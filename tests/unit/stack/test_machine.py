"""Complaints about the machine name the setting to change."""

import socket
from pathlib import Path

import psutil
import pytest

from stack import machine
from stack.errors import StackError


def test_a_taken_port_is_named_with_its_variable_and_a_free_one_is_not() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = listener.getsockname()[1]
        with pytest.raises(StackError, match=f"Port {taken} is taken .set TWSTACK_POSTGRES_PORT") as refused:
            machine.require_free_ports({"TWSTACK_POSTGRES_PORT": taken, "TWSTACK_S3_PORT": 0})
    assert "TWSTACK_S3_PORT" not in str(refused.value)


def test_too_little_disk_names_both_ways_out(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"TWSTACK_LOCAL_DIR.*TWSTACK_MIN_DISK_GB"):
        machine.require_disk(tmp_path, 1e9)
    machine.require_disk(tmp_path, 0.0)


def test_too_little_memory_names_the_setting() -> None:
    with pytest.raises(StackError, match="TWSTACK_MIN_MEMORY_GB"):
        machine.require_memory(1e9)


def test_a_containers_limit_counts_when_it_is_lower(tmp_path: Path) -> None:
    limit, use = tmp_path / "memory.max", tmp_path / "memory.current"
    use.write_text("100")
    limit.write_text("350\n")
    assert machine.available_memory(limit, use) == 250
    limit.write_text("max\n")
    assert machine.available_memory(limit, use) == pytest.approx(psutil.virtual_memory().available, rel=0.5)
