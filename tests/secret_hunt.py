"""Looks for secrets where none may be: on command lines while something runs, in files, in dumps of databases."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import psutil

from stack.credentials import Credentials

SECONDS = 0.2
CHUNK_BYTES = 1 << 24


def planted(credentials: Credentials) -> dict[str, bytes]:
    """Every secret of a shop by its name. They are random, so that each is a marker that occurs nowhere by chance."""
    found = dict[str, bytes]()
    for name, value in asdict(credentials).items():
        parts = value.items() if isinstance(value, Mapping) else [("", value)]
        found |= {f"{name} {part}".strip(): str(secret).encode() for part, secret in parts}
    return {name: secret for name, secret in found.items() if not name.startswith("s3_access_keys")}  # a name, not a secret


@contextmanager
def command_lines() -> Iterator[set[str]]:
    """The command line of every process that was there at a look, while the block runs: what any user of the machine can list."""
    seen, stop = set[str](), threading.Event()

    def look() -> None:
        while not stop.wait(SECONDS):
            seen.update(" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def shown_in(texts: Iterable[bytes], secrets: Mapping[str, bytes]) -> set[str]:
    """The names of the secrets that occur in a text."""
    return {name for text in texts for name, secret in secrets.items() if secret in text}


def shown_below(folder: Path, secrets: Mapping[str, bytes], *, private: Iterable[str] = ()) -> dict[str, set[str]]:
    """The files below a folder in which secrets occur; ``private`` are beginnings of paths that are meant to hold them."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
        name = str(path.relative_to(folder))
        if not name.startswith(tuple(private)) and (shown := shown_in(_chunks(path), secrets)):
            found[name] = shown
    return found


def _chunks(path: Path) -> Iterator[bytes]:
    """A file in parts that overlap by more than a secret is long."""
    with path.open("rb") as stream:
        before = b""
        while chunk := stream.read(CHUNK_BYTES):
            yield before + chunk
            before = chunk[-1_000:]
