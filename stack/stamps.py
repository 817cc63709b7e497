"""Stamps: what a made thing was made from, as one hash, so that it is made again when that has changed. Standard library only."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def stamp_of(parts: Iterable[Path | str]) -> str:
    """A hash of files and words; equal only when all of them are."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes() if isinstance(part, Path) else part.encode())
        digest.update(b"\0")
    return digest.hexdigest()
