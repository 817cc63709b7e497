"""Drift between two quantile grids, without Spark: the same is nothing, a shift and a spread are found, small samples are left alone."""

import math
from datetime import date
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest

from jobs.quality.drift import RANKS, Grid, drifted, edges, ks, psi

DAY, BEFORE = date(2026, 6, 30), date(2026, 6, 2)


def grid(values: object, count: int = 10_000) -> Grid:
    return Grid([float(value) for value in np.quantile(values, RANKS, method="inverted_cdf")], count)  # type: ignore[call-overload]


def normal(shift: float, seed: int = 1) -> Grid:
    return grid(np.random.default_rng(seed).normal(shift, 1, 10_000))


def test_two_samples_of_one_shop_have_not_drifted() -> None:
    assert psi(normal(0), normal(0, seed=2)) < 0.02
    assert ks(normal(0), normal(0, seed=2)) < 0.03
    assert drifted("t", DAY, "c", now=normal(0), reference=normal(0, seed=2), reference_day=BEFORE) is None


def test_the_statistics_are_those_of_the_books_for_a_shifted_normal() -> None:
    shift = 0.5
    assert ks(normal(0), normal(shift)) == pytest.approx(2 * NormalDist().cdf(shift / 2) - 1, abs=0.02)
    points = [-math.inf, *[NormalDist().inv_cdf(tenth / 10) for tenth in range(1, 10)], math.inf]
    shares = [NormalDist(shift).cdf(high) - NormalDist(shift).cdf(low) for low, high in pairwise(points)]
    assert psi(normal(0), normal(shift)) == pytest.approx(sum((p - 0.1) * math.log(p / 0.1) for p in shares), abs=0.04)


def test_a_shift_is_a_warning_that_says_against_when() -> None:
    found = drifted("gold.user_features", DAY, "events_7d", now=normal(0.8), reference=normal(0), reference_day=BEFORE)
    assert found is not None
    assert (found.rule, found.subject, found.severity) == ("drift", "events_7d against 28 days before", "warning")
    assert "PSI 0." in found.found


def test_counts_that_are_mostly_zero_have_fewer_bins_and_are_compared_all_the_same() -> None:
    zeros = grid([0] * 9_000 + [1] * 800 + [5] * 200)
    assert edges(zeros) == [0.0]
    assert psi(zeros, zeros) == 0.0
    assert drifted("t", DAY, "c", now=grid([0] * 6_000 + [1] * 4_000), reference=zeros, reference_day=BEFORE) is not None


def test_either_statistic_alone_is_enough() -> None:
    reference = grid(range(10_000))
    every_other_tenth = grid([value - 1_000 if value // 1_000 % 2 else value for value in range(10_000)])
    assert ks(reference, every_other_tenth) == pytest.approx(0.1, abs=0.01)
    assert psi(reference, every_other_tenth) == pytest.approx(5 * 0.1 * math.log(2) + 5 * 0.0975 * math.log(0.1 / 0.0025), rel=0.1)
    assert drifted("t", DAY, "c", now=every_other_tenth, reference=reference, reference_day=BEFORE) is not None


def test_few_values_are_left_alone() -> None:
    few = Grid([9.0] * 201, 100)
    assert drifted("t", DAY, "c", now=few, reference=normal(0), reference_day=BEFORE) is None
