"""Postgres refuses to run as root: which other user it runs as, and where that user can reach it. Elsewhere it is the caller."""

import hashlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.errors import StackError

CANDIDATES = ("postgres", "nobody")
FALLBACK_BASE = Path("/var/tmp")  # noqa: S108  (survives a restart of the machine, and every user can reach it)  # nosec B108


@dataclass(frozen=True)
class SystemUser:
    """A user other than root that a server is run as."""

    name: str
    uid: int
    gid: int

    @classmethod
    def for_postgres(cls) -> "SystemUser | None":
        """None when the caller is not root and can run Postgres itself; raises ``StackError`` when there is no other user."""
        if os.getuid() != 0:
            return None
        for name in CANDIDATES:
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(name, entry.pw_uid, entry.pw_gid)
        raise StackError(
            "Postgres refuses to run as root, and there is no other user to run it as.", advice="Run: useradd --system postgres"
        )

    def can_run(self, path: Path) -> bool:
        """Whether the user may execute the file or enter the folder, asked of the system itself."""
        return self.run(["test", "-x", str(path)]).returncode == 0

    def can_start(self, program: Path) -> bool:
        """Whether the program starts as this user, with all that it loads."""
        return self.run(["env", str(program), "--version"]).returncode == 0

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command as this user."""
        return subprocess.run(
            command, user=self.uid, group=self.gid, extra_groups=[], cwd="/", capture_output=True, text=True, check=False, timeout=120
        )


def reachable_folder(wanted: Path, user: SystemUser | None) -> Path:
    """``wanted``, made and owned by the user; a folder below ``/var/tmp`` instead when the user cannot come near it."""
    if user is None:
        wanted.mkdir(parents=True, exist_ok=True, mode=0o700)
        return wanted
    wanted.parent.mkdir(parents=True, exist_ok=True)
    folder = wanted if user.can_run(wanted.parent) else fallback_folder(wanted)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chown(folder, user.uid, user.gid)
    return folder


def fallback_folder(wanted: Path) -> Path:
    """The same place for the same wish, so that the data is found again."""
    digest = hashlib.sha256(str(wanted.resolve()).encode()).hexdigest()[:12]
    return FALLBACK_BASE / f"tradewind-{os.getuid()}-{digest}"


def reachable_copy(source: Path, names: Sequence[str], program: Path, target: Path, user: SystemUser | None) -> Path:
    """The folder that holds ``names``: ``source`` when the user can start its ``program``, otherwise ``target`` with copies of them.

    Started, not merely found: a program whose libraries stayed behind is of no use.
    """
    if user is None or user.can_start(source / program):
        return source
    if not user.can_start(target / program):
        shutil.rmtree(target, ignore_errors=True)
        for name in names:
            shutil.copytree(source / name, target / name, symlinks=True)
        for path in (target, *target.rglob("*")):
            os.chown(path, user.uid, user.gid, follow_symlinks=False)
    return target
