"""Where a synthetic shop's files go: the bucket, or a local folder, under the same keys."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from jobs.landing import MARKER
from jobs.store import Store


class Place(Protocol):
    """Takes small objects by key; picklable, so that Spark tasks can carry it."""

    def write(self, key: str, content: bytes) -> None:
        """Put one object, replacing what was there."""

    def clear(self, prefix: str) -> None:
        """Remove every object below ``prefix`` (which ends in a slash), markers first, so that no day looks complete meanwhile."""


@dataclass(frozen=True)
class Folder:
    """A folder on this machine, or one that all machines of a cluster share."""

    root: Path

    def write(self, key: str, content: bytes) -> None:
        """Put one file."""
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def clear(self, prefix: str) -> None:
        """Remove a folder with all in it, markers first."""
        for marker in sorted((self.root / prefix).glob(f"**/{MARKER}")):
            marker.unlink()
        shutil.rmtree(self.root / prefix, ignore_errors=True)


@dataclass(frozen=True)
class Bucket:
    """A prefix of the object store; empty for the bucket itself."""

    store: Store
    prefix: str = ""

    def write(self, key: str, content: bytes) -> None:
        """Put one object."""
        self.store.write(self.prefix + key, content)

    def clear(self, prefix: str) -> None:
        """Remove every object below, markers first."""
        keys = [stored.key for stored in self.store.list(self.prefix + prefix)]
        self.store.delete(key for key in keys if key.endswith(f"/{MARKER}"))
        self.store.delete(key for key in keys if not key.endswith(f"/{MARKER}"))


def place_of(address: str, store: Store | None) -> Place:
    """The place that ``s3://bucket/prefix`` or a folder's path names; raises ValueError for a bucket without an object store."""
    parts = urlsplit(address)
    if parts.scheme != "s3":
        return Folder(Path(address).absolute())
    if store is None:
        message = f"{address} lies in an object store, and none is configured: name a folder, or leave --out away"
        raise ValueError(message)
    prefix = parts.path.strip("/")
    return Bucket(replace(store, bucket=parts.netloc), f"{prefix}/" if prefix else "")
