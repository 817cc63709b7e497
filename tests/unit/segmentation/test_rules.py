"""Claims about the rule that tells a segment apart."""

import numpy as np
import pytest

from jobs.segmentation.rules import FIGURES, LEAST_MEMBERS, rule_of

USERS = 600


def figures(**columns: np.ndarray) -> np.ndarray:
    return np.column_stack([columns.get(name, np.zeros(USERS)) for name in FIGURES])


def test_the_rule_that_was_planted_is_told_in_words() -> None:
    drawn = np.random.default_rng(1)
    orders, recency = drawn.integers(0, 9, USERS), drawn.integers(0, 60, USERS)
    found = rule_of(figures(order_count=orders, recency_days=recency), [None] * USERS, (orders >= 4) & (recency <= 14))
    assert found is not None
    assert (found.text, found.precision, found.coverage) == ("days since the last event: at most 14, orders: 4 or more", 1.0, 1.0)


def test_bounds_of_one_figure_are_told_once() -> None:
    tenure = np.arange(USERS)
    found = rule_of(figures(tenure_days=tenure), [None] * USERS, (tenure >= 100) & (tenure < 300))
    assert found is not None
    assert found.text == "days since the first event: 100 to 299"


def test_none_of_something_is_said_so() -> None:
    orders = np.arange(USERS) % 3
    found = rule_of(figures(order_count=orders), [None] * USERS, orders == 0)
    assert found is not None
    assert found.text == "orders: none"
    only = rule_of(figures(order_count=orders), [None] * USERS, orders == 1)
    assert only is not None
    assert only.text == "orders: 1"


def test_a_taste_is_told_by_its_category() -> None:
    likes = [("tea", "mugs", None)[n % 3] for n in range(USERS)]
    found = rule_of(figures(order_count=np.arange(USERS) % 5), likes, np.array([one == "tea" for one in likes]))
    assert found is not None
    assert (found.text, found.coverage) == ("top category: tea", 1.0)


def test_what_no_short_rule_tells_apart_has_none() -> None:
    drawn = np.random.default_rng(2)
    noise = figures(order_count=drawn.integers(0, 9, USERS), event_count=drawn.integers(0, 99, USERS))
    assert rule_of(noise, [None] * USERS, drawn.random(USERS) < 0.2) is None
    assert rule_of(noise, [None] * USERS, np.ones(USERS, dtype=bool)) is None
    assert rule_of(noise, [None] * USERS, np.arange(USERS) < LEAST_MEMBERS - 1) is None


def test_precision_and_coverage_are_those_of_the_users() -> None:
    orders = np.repeat([0, 5], USERS // 2)
    is_member = orders == 5
    is_member[-30:] = False
    is_member[:20] = True
    found = rule_of(figures(order_count=orders), [None] * USERS, is_member)
    assert found is not None
    assert (found.text, found.precision) == ("orders: 3 or more", 0.9)
    assert found.coverage == pytest.approx(270 / 290, abs=1e-4)
