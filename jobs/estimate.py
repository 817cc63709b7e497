"""A figure with the interval that it is known to."""

from collections.abc import Mapping
from typing import NamedTuple


class Estimate(NamedTuple):
    """A mean and the ends of its confidence interval, in the unit of the figure; all three are equal when nothing is uncertain."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.4f} [{self.low:.4f}, {self.high:.4f}]"

    def signed(self) -> str:
        """The same for a difference, each figure with its sign.

        >>> Estimate(0.02, -0.01, 0.05).signed()
        '+0.0200 [-0.0100, +0.0500]'
        """
        return f"{self.mean:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"

    def turned(self) -> "Estimate":
        """A difference seen from the other side.

        >>> Estimate(0.02, -0.01, 0.05).turned()
        Estimate(mean=-0.02, low=-0.05, high=0.01)
        """
        return Estimate(-self.mean, -self.high, -self.low)


def flat(estimates: Mapping[str, Estimate | float]) -> dict[str, float]:
    """One number a metric: an estimate becomes ``name``, ``name_low`` and ``name_high``; a plain number stays itself.

    >>> flat({"ndcg_at_10": Estimate(0.2, 0.1, 0.3), "coverage_at_10": 0.5})
    {'ndcg_at_10': 0.2, 'ndcg_at_10_low': 0.1, 'ndcg_at_10_high': 0.3, 'coverage_at_10': 0.5}
    """
    numbers: dict[str, float] = {}
    for name, value in estimates.items():
        if isinstance(value, Estimate):
            numbers |= {name: float(value.mean), f"{name}_low": float(value.low), f"{name}_high": float(value.high)}
        else:
            numbers[name] = float(value)
    return numbers
