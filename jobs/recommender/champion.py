"""The recommender that serves, opened for Spark."""

import tempfile
from pathlib import Path

from jobs import tracking
from jobs.context import Context
from jobs.recommender.artifacts import ChampionModel, place_of, restore

FAMILY = "recommender"


def load(context: Context) -> ChampionModel | None:
    """Download the champion into the scratch place, once a version; None when there is none, and popularity serves."""
    found = tracking.champion(context.settings, FAMILY)
    if found is None:
        return None
    place = place_of(context.settings.scratch_uri, "champions", found.name, f"{found.version}-{found.run_id}")
    with tempfile.TemporaryDirectory(prefix="tradewind-champion-") as folder:
        return ChampionModel(found.version, restore(context.spark, found.download(Path(folder)), place))
