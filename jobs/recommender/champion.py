"""The recommender that serves, opened."""

import tempfile
from pathlib import Path

from jobs import tracking
from jobs.context import Context
from jobs.recommender.artifacts import Artifacts, ChampionModel

FAMILY = "recommender"


def load(context: Context, version: str | None = None) -> ChampionModel | None:
    """Download the champion, or a version that a release recorded; None when none serves: then popularity does.

    A model is arrays about items (ADR 7): the driver holds it, and Spark's tasks get it by broadcast.
    """
    tracker = tracking.connect(context.settings)
    found = tracker.champion(FAMILY) if version is None else tracker.version(FAMILY, version)
    if found is None:
        return None
    with tempfile.TemporaryDirectory(prefix="tradewind-champion-") as folder:
        return ChampionModel(found.version, Artifacts.read(found.download(Path(folder))))
