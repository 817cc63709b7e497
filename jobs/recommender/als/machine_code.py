"""Functions that Numba compiles: once a machine and version of the code, since what it makes is kept on disk for the next process."""

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

FOLDER = "NUMBA_CACHE_DIR"
"""Numba's own variable for the folder of what it has compiled. Where it is not set, a private one below the temporary folder is taken."""

FAST = {"nsz", "arcp", "contract", "afn", "reassoc"}
"""What may differ from the letter of the code: the order of sums. Infinities stay what they are."""

Function = TypeVar("Function", bound=Callable[..., Any])


def private_folder() -> Path:
    """A folder below the temporary one that only this user can write to: what lies there is executed."""
    folder = Path(tempfile.gettempdir()) / f"tradewind-compiled-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return folder
    return Path(tempfile.mkdtemp(prefix="tradewind-compiled-"))


os.environ.setdefault(FOLDER, str(private_folder()))

import numba  # noqa: E402  (reads the variable while it is imported)


def compiled(signature: str) -> Callable[[Function], Function]:
    """Compile a function for one signature (Numba's notation) while it is defined, or take what an earlier process has compiled.

    Sums may be taken in another order than written, but always in the same one: the same figures give the same bits on the same kind of
    processor. Divisions by zero give infinity. The interpreter's lock is let go of.
    """

    def make(function: Function) -> Function:
        return cast("Function", numba.njit(signature, fastmath=FAST, error_model="numpy", nogil=True, cache=True)(function))

    return make
