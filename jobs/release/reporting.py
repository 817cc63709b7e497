"""The report of a release that is about to be committed."""

from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame

from jobs.context import Context
from jobs.lake import DaySet
from jobs.release.display import model_text
from jobs.release.record import Release
from jobs.reports import places, release_report
from jobs.reports.release_figures import Figures, Sources, figures_of
from jobs.reports.release_report import About
from jobs.tables import contract_of

OF_THE_SET = ("gold.user_features", "gold.daily_funnels", "gold.daily_item_stats", "silver.order_lines", "silver.items")
"""Tables of the day's set that the report looks at, beside the scored ones."""

MOST_ASKED = 3
"""Earlier releases that are asked for figures: those from before there were reports have none."""


def report(context: Context, release: Release, day_set: DaySet, scored: Mapping[str, DataFrame], earlier: Sequence[Release]) -> str:
    """Write the page of a release before its commit, so that a committed one always has it; returns its address.

    ``scored`` are the rows of the day by table name. It is compared with the newest release of an earlier day that has figures.
    """
    there = [name for name in OF_THE_SET if name in day_set.snapshots]
    known = {name: context.lake.read(contract_of(name), snapshot_id=day_set.snapshots[name]) for name in there}
    frames = {name.partition(".")[2]: rows for name, rows in {**known, **scored}.items()}
    figures = figures_of(Sources(frames), release.content.day)
    before, previous = _before(context, release, earlier)
    about = About(
        release_id=release.id,
        created_at=release.created_at,
        run_id=release.run_id,
        code_version=release.code_version,
        models={family: model_text(model) for family, model in release.content.models.items()},
        quality=release.content.quality,
        exports=release.content.exports,
        previous_id=previous,
    )
    return places.address(context.settings.pages_url, release_report.write(context.store, figures, about, before))


def _before(context: Context, release: Release, earlier: Sequence[Release]) -> tuple[Figures | None, str | None]:
    """Figures and id of the newest release whose content is of an earlier day and that has a report."""
    older = [one for one in earlier if one.content.day < release.content.day]
    for one in sorted(older, key=lambda one: (one.content.day, one.key), reverse=True)[:MOST_ASKED]:
        figures = Figures.from_json(context.store.read(places.release_figures(one.origin)))
        if figures is not None:
            return figures, one.origin
    return None, None
