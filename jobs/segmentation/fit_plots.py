"""Pictures of a training's fits, for MLflow."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jobs.segmentation.density import DensityFit
from jobs.segmentation.fitting import Fit


def by_k(scheme: str, fits: Sequence[Fit], chosen: Fit | None) -> Figure:
    """The figures of every k, and which one was chosen."""
    figure, axes = _drawn()
    for name in ("silhouette", "stability", "smallest_share", "score"):
        axes.plot([fit.k for fit in fits], [getattr(fit, name) for fit in fits], marker="o", label=name)
    if chosen:
        axes.axvline(chosen.k, linestyle="--", color="grey", label=f"chosen: {chosen.k}")
    axes.set(title=f"{scheme}: choice of k", xlabel="clusters", ylim=(0, 1.05))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def k_distances(found: DensityFit) -> Figure:
    """The k-distances of the sample, and eps among them."""
    figure, axes = _drawn()
    axes.plot(np.linspace(0, 1, len(found.curve)), found.curve, label="distance to the k-th nearest")
    axes.axhline(found.eps, linestyle="--", color="grey", label=f"eps: {found.eps:.3f}")
    axes.set(title="density: choice of eps", xlabel="share of the sample", ylabel="standard deviations")
    axes.legend(loc="upper left")
    return figure


def sizes(found: DensityFit) -> Figure:
    """The share of the users in each dense group, and in none."""
    figure, axes = _drawn()
    axes.bar([*map(str, range(len(found.shares))), "noise"], [*found.shares, found.noise_share])
    axes.set(title="density: sizes", xlabel="group", ylabel="share of the users")
    return figure


def _drawn() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7, 4), layout="constrained")
    return figure, figure.subplots()
