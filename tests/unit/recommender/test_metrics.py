"""Claims about the value of a ranked list, worked by hand."""

import doctest

import pytest

from jobs.recommender import metrics


def test_the_worked_examples_hold() -> None:
    found = doctest.testmod(metrics)
    assert found.attempted >= 9
    assert found.failed == 0


def test_a_perfect_list_scores_one_and_a_missed_one_zero() -> None:
    for measure in (metrics.ndcg_at, metrics.recall_at, metrics.map_at, metrics.hit_rate_at):
        assert measure(3, ["a", "b", "c"], {"a", "b", "c"}) == 1.0
        assert measure(3, ["x", "y", "z"], {"a"}) == 0.0


def test_more_right_answers_than_places_can_still_be_perfect() -> None:
    assert metrics.ndcg_at(2, ["a", "b"], {"a", "b", "c", "d"}) == 1.0
    assert metrics.map_at(2, ["a", "b"], {"a", "b", "c", "d"}) == 1.0


def test_a_user_without_right_answers_is_refused() -> None:
    with pytest.raises(ValueError, match="no ideal order"):
        metrics.ndcg_at(10, ["a"], set())
