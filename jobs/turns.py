"""A driver that stays after its task and takes the next one: how it waits, is asked, answers and leaves. Standard library only.

Starting a driver costs more than most tasks of a small day: a JVM, imports, classes and code that are compiled anew. Whoever submits asks
for a turn of a driver that waits in a folder, and starts one only where none waits (``stack/submission.py``). One turn at a time: a driver
that works cannot be asked. It stays only after success, so that whatever comes after a failure begins with nothing in memory.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

FIRST, IDLE, LOG = ".first", ".idle", ".log"
"""How names end in the folder of drivers: where one waits for who has started it, where it waits for anybody, where its output goes."""

LOOK_SECONDS = 1.0
"""How often a waiting driver looks whether it is still wanted."""


@dataclass(frozen=True)
class Place:
    """Where one driver waits: a folder that its owner alone may enter, the key of the tasks that it can take, its own name.

    Whoever may open a socket of the folder may run tasks as its owner, which is what the folder's mode is for.
    """

    folder: Path
    key: str
    name: str

    @classmethod
    def waiting(cls, folder: Path, key: str) -> list[Self]:
        """The places of drivers that wait for a task of ``key``, in the order of their names."""
        return [cls(folder, key, path.name.split(".")[1]) for path in sorted(folder.glob(f"{key}.*{IDLE}"))]

    @property
    def first(self) -> Path:
        """The socket at which a new driver waits for who has started it."""
        return self.folder / f"{self.name}{FIRST}"

    @property
    def idle(self) -> Path:
        """The socket at which it waits afterwards."""
        return self.folder / f"{self.key}.{self.name}{IDLE}"

    @property
    def log(self) -> Path:
        """The file that its JVM and its Python write to."""
        return self.folder / f"{self.name}{LOG}"


@contextmanager
def address(path: Path) -> Iterator[str]:
    """A name for a socket that is short enough wherever the folder lies: the system takes 107 bytes.

    Elsewhere than on Linux it is the path itself.
    """
    if sys.platform != "linux":
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def asked(path: Path) -> socket.socket | None:
    """A connection to the driver that waits at ``path``; None where there is none any more, and then nothing is left of the socket."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        with address(path) as name:
            connection.connect(name)
    except OSError:
        connection.close()
        path.unlink(missing_ok=True)
        return None
    return connection


def say(connection: socket.socket, message: dict[str, Any]) -> None:
    """Send one message, a line of JSON."""
    connection.sendall(json.dumps(message).encode() + b"\n")


def serve(
    place: Place,
    turn: Callable[[Sequence[str]], int],
    rest: Callable[[], None],
    *,
    idle_seconds: float,
    abandoned: Callable[[], None],
) -> int:
    """Take turns until one fails, another driver waits already, the socket is gone, or nobody has come for ``idle_seconds``.

    ``turn`` runs a command line and returns its exit code, ``rest`` is called between two turns, ``abandoned`` ends everything at once: it
    is called, from a thread, when whoever asked for the turn has gone before its end. Returns the exit code of the last turn.
    """
    code, begins, path = 0, 0, place.first
    listener: socket.socket | None = _listening(path)
    while listener is not None:
        connection = _accepted(listener, path, idle_seconds)
        listener = None
        request = None if connection is None else _request(connection)
        if connection is None or request is None:
            place.log.unlink(missing_ok=True)  # otherwise it belongs to who has asked, until it has been read
            break
        with connection:
            say(connection, {"taken": True, "from": begins})
            code = _taken(connection, request["arguments"], turn, abandoned)
            if code == 0 and not Place.waiting(place.folder, place.key):
                path = place.idle
                listener = _listening(path)  # before the answer: the next task finds it even when it comes at once
            _flush()
            say(connection, {"exit_code": code, "to": place.log.stat().st_size, "stays": listener is not None})
        if listener is not None:
            rest()
            _flush()
            begins = place.log.stat().st_size
    return code


def _request(connection: socket.socket) -> dict[str, Any] | None:
    """What is asked for; None when whoever asked has left without a word."""
    found: dict[str, Any] | None = json.loads(connection.makefile("rb").readline() or b"null")
    return found


def _taken(connection: socket.socket, arguments: Sequence[str], turn: Callable[[Sequence[str]], int], abandoned: Callable[[], None]) -> int:
    """The exit code of one turn, on a leash to who asked for it."""
    ended = threading.Event()

    def watch() -> None:
        with suppress(OSError):
            connection.recv(1)  # nothing more is ever sent: it returns when the other side closes, or this one does
        if not ended.is_set():
            abandoned()

    threading.Thread(target=watch, name="leash", daemon=True).start()
    try:
        return turn(arguments)
    finally:
        ended.set()


def _listening(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    with address(path) as name:
        listener.bind(name)
    listener.listen(1)
    return listener


def _accepted(listener: socket.socket, path: Path, idle_seconds: float) -> socket.socket | None:
    """The first who asks; None when nobody has in time, or the socket has been removed. Afterwards nobody finds the driver."""
    deadline = time.monotonic() + idle_seconds
    listener.settimeout(min(LOOK_SECONDS, idle_seconds))
    try:
        while path.exists() and time.monotonic() < deadline:
            with suppress(TimeoutError):
                connection, _ = listener.accept()
                connection.setblocking(True)
                return connection
        return None
    finally:
        path.unlink(missing_ok=True)
        listener.close()


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


def end_with_jvm() -> None:
    """Kill the JVM that has started this Python, and this Python: what nobody waits for any more must not go on writing."""
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def write_to(log: Path) -> None:
    """From now on everything that this process prints goes to the end of ``log``, as what its JVM prints does."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(file, stream.fileno())
    os.close(file)
