"""Checks before anything is started: is there disk, memory, and is every port free. Each complaint names the setting to change."""

import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

import psutil

from stack.errors import StackError

GB = 1e9
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
CGROUP_USE = Path("/sys/fs/cgroup/memory.current")


def require_disk(folder: Path, least_gb: float) -> None:
    """Raise ``StackError`` when the folder's file system has less than ``least_gb`` free."""
    free = shutil.disk_usage(folder).free / GB
    if free < least_gb:
        raise StackError(
            f"{folder} has {free:.1f} GB free, and {least_gb:g} GB are needed.",
            advice="Free some, set TWSTACK_LOCAL_DIR to a folder with more, or lower TWSTACK_MIN_DISK_GB.",
        )


def require_memory(least_gb: float) -> None:
    """Raise ``StackError`` when less than ``least_gb`` of memory are available, to the machine or to its container."""
    free = available_memory() / GB
    if free < least_gb:
        raise StackError(
            f"{free:.1f} GB of memory are available, and {least_gb:g} GB are needed.",
            advice="Close something, or lower TWSTACK_MIN_MEMORY_GB (and TWSTACK_SPARK_DRIVER_MEMORY).",
        )


def available_memory(limit: Path = CGROUP_LIMIT, use: Path = CGROUP_USE) -> int:
    """Bytes that a new process can have: the machine's, or what the container's limit leaves."""
    available = psutil.virtual_memory().available
    if limit.is_file() and use.is_file() and (text := limit.read_text(encoding="ascii").strip()).isdigit():
        available = min(available, max(0, int(text) - int(use.read_text(encoding="ascii"))))
    return int(available)


def require_free_ports(ports: Mapping[str, int]) -> None:
    """Raise ``StackError`` that lists every taken port with the variable that sets it."""
    taken = [f"{number} is taken (set {variable} to another)" for variable, number in ports.items() if not is_free(number)]
    if taken:
        raise StackError(f"Port {'; port '.join(taken)}.", advice="Or stop what listens there: ss -ltnp shows it.")


def is_free(port: int) -> bool:
    """Whether one can listen on the port of 127.0.0.1."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
