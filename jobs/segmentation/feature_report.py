"""Which features of users are worth a model's while: what is missing, never varies, says the same, or tells the future. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from scipy.stats import rankdata
from sklearn.feature_selection import mutual_info_classif
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from jobs.segmentation.served_segments import Matrix

Outcome = npt.NDArray[np.bool_]

BINS = 10
MOST_MISSING = 0.5
ALIKE = 0.8
"""Rank correlation, of either sign, from which features say the same."""

LEAST_GAIN = 0.005
"""Bits below which a feature tells nothing about a target."""

KEPT = "kept"


@dataclass(frozen=True)
class Told:
    """What a feature tells about a target, in bits: ``information`` as it is, ``gain`` by the bin that it falls into."""

    information: float
    gain: float


@dataclass(frozen=True)
class Feature:
    """A column of gold.user_features: share of users without a value, different values, standard deviation, group of features alike.

    ``verdict`` is KEPT, or why it is not.
    """

    name: str
    missing_share: float
    distinct_values: int
    deviation: float
    group: int
    told: Mapping[str, Told]
    verdict: str

    @property
    def best_gain(self) -> float:
        """The most that it tells about any target."""
        return max((one.gain for one in self.told.values()), default=0.0)


@dataclass(frozen=True)
class Report:
    """Features, the most telling first; ``rates`` are the targets' shares of users, ``correlations`` those of ``names``, by rank."""

    users: int
    rates: Mapping[str, float]
    features: tuple[Feature, ...]
    names: tuple[str, ...]
    correlations: Matrix


def examine(features: pa.Table, outcomes: Mapping[str, Outcome], *, seed: int) -> Report:
    """Judge every column of ``features`` (numbers; NULL is missing) by what happened to the users afterwards.

    Mutual information is estimated from nearest neighbours (Ross 2014), information gain from bins of equal counts (Quinlan 1986); missing
    is a value of its own, below all others. Groups are those of average linkage over ``1 - |Spearman's rho|``.
    """
    names = tuple(features.column_names)
    points = np.column_stack([_filled(features[name]) for name in names])
    correlations = _correlations(points)
    groups = _groups(correlations)
    told: list[dict[str, Told]] = [{} for _ in names]
    with threadpool_limits(limits=1):
        for target, outcome in outcomes.items():
            nats = mutual_info_classif(points, outcome, random_state=seed) if len(set(outcome.tolist())) > 1 else np.zeros(len(names))
            for place, one in enumerate(told):
                one[target] = Told(round(float(nats[place] / np.log(2)), 6), round(gain(points[:, place], outcome), 6))
    found = [
        Feature(
            name,
            missing_share=features[name].null_count / max(features.num_rows, 1),
            distinct_values=int(pc.count_distinct(features[name]).as_py()),
            deviation=round(float(np.nan_to_num(pc.stddev(features[name]).as_py() or 0.0)), 6),
            group=groups[place],
            told=told[place],
            verdict=KEPT,
        )
        for place, name in enumerate(names)
    ]
    rates = {target: float(outcome.mean()) if len(outcome) else 0.0 for target, outcome in outcomes.items()}
    return Report(features.num_rows, rates, _judged(found), names, correlations)


def gain(values: npt.NDArray[np.float64], outcome: Outcome) -> float:
    """Bits that the bin of ``values`` (at most BINS of equal counts, equal values together) tells about ``outcome``.

    >>> gain(np.array([1.0, 1.0, 2.0, 2.0]), np.array([True, True, False, False]))
    1.0
    """
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1], method="higher"))
    bins = np.searchsorted(edges, values, side="left")
    counts = np.zeros((len(edges) + 1, 2))
    np.add.at(counts, (bins, outcome.astype(int)), 1)
    sizes = counts.sum(axis=1)
    inside = sum(size / len(values) * _entropy(row / size) for size, row in zip(sizes, counts, strict=True) if size)
    return max(_entropy(counts.sum(axis=0) / len(values)) - float(inside), 0.0)


def table(report: Report) -> str:
    """The report as CSV, one line a feature."""
    targets = list(report.rates)
    head = ["feature", "verdict", "group", "missing_share", "distinct_values", "deviation"]
    head += [f"{kind}_{target}_bits" for target in targets for kind in ("gain", "mutual_information")]
    lines = [
        [
            one.name,
            f'"{one.verdict}"',
            *(f"{figure:g}" for figure in (one.group, one.missing_share, one.distinct_values, one.deviation)),
            *(f"{figure:g}" for target in targets for figure in (one.told[target].gain, one.told[target].information)),
        ]
        for one in report.features
    ]
    return "\n".join([",".join(line) for line in [head, *lines]]) + "\n"


def _filled(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    values = column.cast(pa.float64())
    lowest = pc.min(values).as_py()
    filled: npt.NDArray[np.float64] = pc.fill_null(values, (lowest if lowest is not None else 0.0) - 1).to_numpy()
    return filled


def _correlations(points: Matrix) -> Matrix:
    """Spearman's, 0 with what never varies."""
    ranks = np.apply_along_axis(rankdata, 0, points)
    centred = ranks - ranks.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    found = np.divide(
        centred.T @ centred, np.outer(length, length), out=np.zeros((points.shape[1],) * 2), where=np.outer(length, length) > 0
    )
    np.fill_diagonal(found, 1.0)
    bounded: Matrix = np.clip(found, -1.0, 1.0)
    return bounded


def _groups(correlations: Matrix) -> list[int]:
    """A number for each feature, from 0 in the order of the first of each group."""
    if len(correlations) < 2:
        return [0] * len(correlations)
    apart = squareform(np.round(1 - np.abs(correlations), 12), checks=False)
    found = fcluster(linkage(apart, method="average"), 1 - ALIKE, criterion="distance")
    order: dict[int, int] = {}
    return [order.setdefault(int(one), len(order)) for one in found]


def _judged(features: Sequence[Feature]) -> tuple[Feature, ...]:
    """The most telling first, each with its verdict; of a group only the first one that is worth keeping is."""
    kept, judged = dict[int, str](), list[Feature]()
    for one in sorted(features, key=lambda one: (-one.best_gain, one.name)):
        if one.missing_share > MOST_MISSING:
            verdict = f"missing for {one.missing_share:.0%} of the users"
        elif one.distinct_values < 2:
            verdict = "never varies"
        elif one.best_gain < LEAST_GAIN:
            verdict = f"tells less than {LEAST_GAIN:g} bits of any target"
        elif one.group in kept:
            verdict = f"says the same as {kept[one.group]}"
        else:
            kept[one.group] = one.name
            verdict = KEPT
        judged.append(Feature(**(vars(one) | {"verdict": verdict})))
    return tuple(judged)


def _entropy(shares: npt.NDArray[np.float64]) -> float:
    known = shares[shares > 0]
    return float(-(known * np.log2(known)).sum())
