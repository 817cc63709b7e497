"""Claims about intervals."""

import numpy as np
import pytest

from jobs.recommender.bootstrap import estimates, paired_difference


def test_pairing_sees_a_small_but_steady_lead_that_separate_intervals_do_not() -> None:
    theirs = np.random.default_rng(3).random(400)
    ours = theirs + 0.01
    apart = estimates(np.column_stack([ours, theirs]), seed=1)
    assert apart[0].low < apart[1].high, "the two intervals overlap"
    lead = paired_difference(ours, theirs, seed=1)
    assert lead.low > 0.0099
    assert lead.mean == pytest.approx(0.01)


def test_the_interval_has_the_width_that_theory_gives() -> None:
    values = np.random.default_rng(5).normal(size=(10_000, 1))
    found = estimates(values, seed=2)[0]
    assert found.high - found.low == pytest.approx(2 * 1.96 / 100, rel=0.1)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(5).random((50, 2))
    assert estimates(values, seed=2) == estimates(values, seed=2) != estimates(values, seed=3)


def test_other_users_are_no_pairs() -> None:
    with pytest.raises(ValueError, match="same users"):
        paired_difference(np.zeros(3), np.zeros(4), seed=1)
    with pytest.raises(ValueError, match="no users"):
        estimates(np.zeros((0, 1)), seed=1)
