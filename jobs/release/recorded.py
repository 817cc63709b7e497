"""Which model versions a day's release used: a replay of the day uses them again."""

from datetime import date

from jobs.release.releases import committed, read
from jobs.store import Store


def versions_of_day(store: Store, day: date) -> dict[str, str | None] | None:
    """Family -> version of the day's newest release, None where no model served; None when the day was never released."""
    keys = [key for key in committed(store) if key.day == day]
    if not keys:
        return None
    models = read(store, keys[-1]).content.models
    return {family: model["version"] for family, model in models.items()}
