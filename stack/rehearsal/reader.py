"""A reader who looks at the current release all the time, and must never meet one that is not whole."""

import hashlib
import json
import threading
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from jobs.release import releases
from jobs.release.record import Release
from jobs.store import Store

POLL_SECONDS = 1.0


def problems(store: Store, release: Release) -> list[str]:
    """What is wrong with a release for a reader: files missing or of another content, a manifest of another release, mixed snapshots."""
    found = []
    snapshots = {name: version.snapshot_id for name, version in release.content.set.tables.items()}
    for name, export in release.content.exports.items():
        for file in export["files"]:
            content = store.read(file["key"])
            if content is None or hashlib.sha256(content).hexdigest() != file["sha256"]:
                found.append(f"{release.id}: {file['key']} is {'missing' if content is None else 'another file'}")
        manifest = json.loads(store.read(export["manifest"]) or b"{}")
        if manifest.get("release") != release.origin or manifest.get("set") != snapshots:
            found.append(f"{release.id}: the manifest of {name} is of release {manifest.get('release')}, or of another set")
        if store.read(f"{export['prefix']}_SUCCESS") is None:
            found.append(f"{release.id}: {name} has no _SUCCESS")
    return found


@dataclass
class Reader:
    """Reads each release as it becomes current, in a thread of its own; ``found`` lists what it should not have seen."""

    store: Store
    found: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "Reader":
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=60)

    def _read(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            try:
                release = releases.current(self.store)
                if release and release.id not in self.seen:
                    self.found.extend(problems(self.store, release))
                    self.seen.add(release.id)
            except (BotoCoreError, ClientError, OSError):
                continue  # the object store is one of the victims
