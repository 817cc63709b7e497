"""Pictures of a feature report, for MLflow."""

import numpy as np
from matplotlib.figure import Figure

from jobs.segmentation.feature_report import ALIKE, KEPT, Report

MOST_BARS = 25


def telling(report: Report) -> Figure:
    """What the most telling features tell about each target; those that are not kept are pale."""
    shown = report.features[:MOST_BARS][::-1]
    targets = list(report.rates)
    figure = Figure(figsize=(5 * max(len(targets), 1) + 3, 0.28 * len(shown) + 1.5), layout="constrained")
    axes = figure.subplots(1, max(len(targets), 1), sharey=True, squeeze=False)[0]
    for axis, target in zip(axes, targets, strict=False):
        colours = ["tab:blue" if one.verdict == KEPT else "lightsteelblue" for one in shown]
        axis.barh([one.name for one in shown], [one.told[target].gain for one in shown], color=colours, label="information gain")
        axis.plot([one.told[target].information for one in shown], range(len(shown)), "k.", label="mutual information")
        axis.set(title=f"{target} ({report.rates[target]:.0%} of {report.users:,} users)", xlabel="bits")
        axis.legend(loc="lower right")
    return figure


def missing(report: Report) -> Figure:
    """The share of users without a value, of the features that miss any."""
    shown = sorted((one for one in report.features if one.missing_share > 0), key=lambda one: (one.missing_share, one.name))
    figure = Figure(figsize=(8, 0.28 * len(shown) + 1.5), layout="constrained")
    axis = figure.subplots()
    axis.barh([one.name for one in shown], [one.missing_share for one in shown], color="tab:gray")
    axis.set(title="missing" if shown else "no feature misses a value", xlabel="share of the users", xlim=(0, 1))
    return figure


def alike(report: Report) -> Figure:
    """Rank correlations of all features, groups side by side."""
    group_of = {one.name: one.group for one in report.features}
    order = sorted(range(len(report.names)), key=lambda place: (group_of[report.names[place]], report.names[place]))
    names = [report.names[place] for place in order]
    side = 0.2 * len(names) + 3
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axis = figure.subplots()
    image = axis.imshow(report.correlations[np.ix_(order, order)], cmap="RdBu_r", vmin=-1, vmax=1)
    axis.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axis.set_yticks(range(len(names)), names, fontsize=7)
    axis.set(title=f"Spearman's rank correlation; features alike from {ALIKE:g} stand together")
    figure.colorbar(image, shrink=0.6)
    return figure
