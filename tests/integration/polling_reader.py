"""A reader as docs/bi.md describes one, in a process of its own: opens the current release again and again, and believes nothing.

``python -m tests.integration.polling_reader FOLDER``: polls until the folder holds ``stop``, then writes what it saw as JSON; ``seen`` in
the folder is the number of the newest release that it has opened as a whole. Needs the shop's settings.
"""

import hashlib
import io
import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from jobs.settings import Settings
from jobs.store import Store

PAUSE_SECONDS = 0.1
"""Between two looks, so that the tests beside get their turn."""


class Reader:
    """Polls, and notes every release that it saw and everything that was wrong with one."""

    def __init__(self, settings: Settings) -> None:
        exports = Store.from_settings(settings).of("releases/")
        self.bucket, self.s3 = exports.bucket, exports.client
        self.seen: list[str] = []
        self.wrong: list[str] = []
        self.polls = 0

    def poll(self) -> None:
        """Open the release with the greatest key as a whole."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix="releases/")
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        committed = [key for key in keys if re.fullmatch(r"releases/\d{4}-\d{2}-\d{2}/\d{6}\.json", key)]
        self.polls += 1
        if not committed:
            return
        release = json.loads(self._read(max(committed)))
        if release["id"] in self.seen[:-1]:
            self.wrong.append(f"{release['id']} came back after {self.seen[-1]}")
        if release["id"] not in self.seen:
            self.seen.append(release["id"])
        try:
            generations = {
                generation for export in release["content"]["exports"].values() for generation in self._generations(release["id"], export)
            }
        except self.s3.exceptions.NoSuchKey as error:
            self.wrong.append(f"{release['id']}: {error}")
            return
        if generations != {release["sequence"]}:
            self.wrong.append(f"{release['id']} shows rows of {sorted(generations)}")

    def _generations(self, release_id: str, export: dict[str, Any]) -> Iterator[int]:
        """The sequence that each row says it is of, from every file, after its checksum."""
        content = self._read(export["manifest"])
        manifest = json.loads(content)
        self._read(f"{export['prefix']}_SUCCESS")
        if hashlib.sha256(content).hexdigest() != export["manifest_sha256"] or manifest["release"] != release_id:
            self.wrong.append(f"{release_id}: the manifest of {export['prefix']} is another")
        if manifest["files"] != export["files"]:
            self.wrong.append(f"{release_id}: manifest and release list other files of {export['prefix']}")
        for file in export["files"]:
            content = self._read(file["key"])
            if hashlib.sha256(content).hexdigest() != file["sha256"]:
                self.wrong.append(f"{release_id}: {file['key']} has another checksum")
            elif file["format"] == "parquet":
                rows = pq.read_table(io.BytesIO(content))
                if rows.num_rows != file["rows"]:
                    self.wrong.append(f"{release_id}: {file['key']} has {rows.num_rows} rows, not {file['rows']}")
                yield from rows.column("generation").to_pylist()

    def _read(self, key: str) -> bytes:
        content: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content


def main(folder: Path) -> None:
    """Poll until ``stop`` is there, once more after it, and tell."""
    reader = Reader(Settings.from_environment())
    is_last = False
    while True:
        reader.poll()
        (folder / "seen").write_text(reader.seen[-1][-6:] if reader.seen else "0", encoding="utf-8")
        if is_last:
            break
        time.sleep(PAUSE_SECONDS)
        is_last = (folder / "stop").exists()
    sys.stdout.write(json.dumps({"polls": reader.polls, "seen": reader.seen, "wrong": reader.wrong}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
