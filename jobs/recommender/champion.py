"""The recommender that serves, opened for Spark."""

import tempfile
from pathlib import Path

from jobs import tracking
from jobs.context import Context
from jobs.recommender.artifacts import ChampionModel, place_of, restore

FAMILY = "recommender"


def load(context: Context, version: str | None = None) -> ChampionModel | None:
    """Download the champion, or a version that a release recorded, into the scratch place, once; None when none serves: then popularity."""
    tracker = tracking.connect(context.settings)
    found = tracker.champion(FAMILY) if version is None else tracker.version(FAMILY, version)
    if found is None:
        return None
    place = place_of(context.settings.scratch_uri, "champions", found.name, f"{found.version}-{found.run_id}")
    with tempfile.TemporaryDirectory(prefix="tradewind-champion-") as folder:
        return ChampionModel(found.version, restore(context.spark, found.download(Path(folder)), place))
