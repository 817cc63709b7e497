"""The segment model that serves: read from the registry, ready to assign."""

import tempfile
from pathlib import Path

from jobs import tracking
from jobs.context import Context
from jobs.segmentation.served_segments import FILE, SegmentModel, from_json

FAMILY = "segments"


def load(context: Context, version: str | None = None) -> SegmentModel | None:
    """The champion, or the version that a release recorded; None before there is a champion."""
    tracker = tracking.connect(context.settings)
    found = tracker.champion(FAMILY) if version is None else tracker.version(FAMILY, version)
    if found is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        return from_json((found.download(Path(folder)) / FILE).read_text(encoding="utf-8"), version=found.version)
