"""``spark-submit`` with drivers that stay: a task gets a turn of one that waits, and starts one only where none does.

It takes the command line of ``spark-submit`` and returns its exit code, so that a scheduler needs to know nothing of it. Standard library
only: it runs in whichever Python submits. The other side is ``jobs/turns.py``.
"""

import hashlib
import json
import os
import secrets
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from jobs.turns import Place, asked, say

FOLDER_VARIABLE, IDLE_VARIABLE = "SPARK_DRIVERS_DIR", "SPARK_DRIVER_IDLE_SECONDS"
"""What a submitter is told besides: the folder of the drivers that wait, and for how long one does."""

ENTRY, DRIVER = "spark_entry.py", "spark_driver.py"
"""The script that is asked for, and the one that stays in its stead; both in ``bin``."""

OF_THE_CALLER = {"PWD", "OLDPWD", "SHLVL", "_"}
"""Variables that say who calls rather than what is to be done."""

POLL_SECONDS = 0.1
KILLED = 128 + 9


@dataclass(frozen=True)
class Submission:
    """One command line of ``spark-submit``: its options, the script, and the script's arguments."""

    options: tuple[str, ...]
    script: Path
    arguments: tuple[str, ...]

    @classmethod
    def parsed(cls, command: Sequence[str]) -> "Submission | None":
        """The parts of a command line; None where it submits something other than a task."""
        place = next((number for number, part in enumerate(command) if Path(part).name == ENTRY), None)
        return None if place is None else cls(tuple(command[:place]), Path(command[place]), tuple(command[place + 1 :]))

    def key(self, environ: Mapping[str, str]) -> str:
        """What two tasks have in common that one driver can take: options but for the name, environment, the files it names, the code."""
        told = hashlib.sha256()
        for part in (*_unnamed(self.options), *(f"{k}={v}" for k, v in sorted(environ.items()) if k not in OF_THE_CALLER)):
            told.update(part.encode() + b"\0")
        conf = environ.get("SPARK_CONF_DIR")
        for named in (environ.get("TRADEWIND_ENV_FILE"), conf and f"{conf}/spark-defaults.conf"):
            if named and Path(named).is_file():
                told.update(Path(named).read_bytes() + b"\0")
        home = self.script.parent.parent
        for folder in ("jobs", "expectations", self.script.parent.name):
            for file in sorted((home / folder).rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    state = file.stat()
                    told.update(f"{file}:{state.st_size}:{state.st_mtime_ns}".encode() + b"\0")
        return told.hexdigest()[:16]


def main(command: Sequence[str], environ: Mapping[str, str] | None = None) -> int:
    """Run what ``command`` submits; the exit code of its driver, 137 where that was killed.

    Without a folder for drivers it becomes ``spark-submit`` itself.
    """
    env = dict(os.environ if environ is None else environ)
    binary = str(Path(env["PYSPARK_PYTHON"]).parent / "spark-submit") if "PYSPARK_PYTHON" in env else "spark-submit"
    folder, idle = env.pop(FOLDER_VARIABLE, ""), env.pop(IDLE_VARIABLE, "0")
    submission = Submission.parsed(command)
    if not folder or submission is None or float(idle) <= 0:
        os.execvpe(binary, [binary, *command], env)  # noqa: S606  (the same command line, without a shell)
    drivers, key = Path(folder), submission.key(env)
    drivers.mkdir(mode=0o700, parents=True, exist_ok=True)
    for place in Place.waiting(drivers, key):
        connection = asked(place.idle)
        code = None if connection is None else _turn(connection, place, submission)
        if code is not None:
            return code
    return _started(binary, submission, Place(drivers, key, secrets.token_hex(4)), idle, env)


def _started(binary: str, submission: Submission, place: Place, idle: str, env: Mapping[str, str]) -> int:
    """A turn of a new driver. It lives in a session of its own, because it stays when this process has ended."""
    script = str(submission.script.with_name(DRIVER))
    command = [binary, *submission.options, script, str(place.folder), place.key, place.name, idle]
    with os.fdopen(os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
        driver = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, start_new_session=True)
    try:
        while not place.first.exists():
            code = driver.poll()
            if code is not None:  # it never came to the point where it could be asked
                _copy(place.log, 0)
                return code if code > 0 else KILLED
            time.sleep(POLL_SECONDS)
        connection = asked(place.first)
        code = None if connection is None else _turn(connection, place, submission)
    except BaseException:
        driver.kill()  # nobody waits for it
        raise
    return KILLED if code is None else code


def _turn(connection: socket.socket, place: Place, submission: Submission) -> int | None:
    """The exit code of a turn, its output copied to this process's while it runs; None where the driver left before it took the task."""
    with connection:
        say(connection, {"arguments": submission.arguments})
        answers = _answers(connection)
        taken = next((answer for answer in answers if answer is not None), {})
        if "from" not in taken:
            return None
        at = int(taken["from"])
        for answer in answers:
            if answer is None:
                at = _copy(place.log, at)
            elif "exit_code" in answer:
                _copy(place.log, at, int(answer["to"]))
                if not answer["stays"]:
                    place.log.unlink(missing_ok=True)
                return int(answer["exit_code"])
    _copy(place.log, at)
    place.log.unlink(missing_ok=True)
    return KILLED


def _answers(connection: socket.socket) -> Iterator[dict[str, int] | None]:
    """What the driver says, None when it has said nothing for a moment; ends when it is gone."""
    told = b""
    while True:
        if not select.select([connection], [], [], POLL_SECONDS)[0]:
            yield None
            continue
        try:
            received = connection.recv(65_536)
        except ConnectionResetError:
            return
        if not received:
            return
        told += received
        *lines, told = told.split(b"\n")
        yield from (json.loads(line) for line in lines)


def _copy(log: Path, at: int, to: int | None = None) -> int:
    """Print what the log holds from ``at`` on, up to ``to`` or its end; returns where that is."""
    try:
        with log.open("rb") as file:
            file.seek(at)
            content = file.read() if to is None else file.read(max(0, to - at))
    except FileNotFoundError:
        return at
    out: BinaryIO = sys.stdout.buffer
    out.write(content)
    out.flush()
    return at + len(content)


def _unnamed(options: Sequence[str]) -> list[str]:
    """The options without ``--name`` and its value: each task has another."""
    return [part for number, part in enumerate(options) if part != "--name" and (number == 0 or options[number - 1] != "--name")]
