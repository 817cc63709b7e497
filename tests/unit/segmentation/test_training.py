"""Claims about fitting, choosing and naming clusters."""

from datetime import date

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from jobs.segmentation.fitting import Fit, Search, choose, faults, fit_k
from jobs.segmentation.training import Candidate, fit, standing
from tests.unit.segmentation.shoppers import TASTES, liking, planted

SEARCH = Search(ks=(3, 4, 5, 6), restarts=3, silhouette_users=600)
DAY = date(2026, 6, 30)


@pytest.fixture(scope="module")
def candidate() -> Candidate:
    return fit(planted(800)[0], as_of=DAY, seed=1, search=SEARCH)


def a_fit(k: int, **changes: float) -> Fit:
    figures = {"inertia": 1.0, "silhouette": 0.4, "stability": 0.9, "smallest_share": 0.1} | changes
    return Fit(k=k, centroids=tuple((float(i),) for i in range(k)), **figures)


def test_planted_behaviour_and_tastes_are_found(candidate: Candidate) -> None:
    users, kinds, tastes = planted(800)
    behaviour, taste, _ = candidate.model.assign(users)
    assert adjusted_rand_score(kinds, behaviour) >= 0.9
    assert adjusted_rand_score(tastes, taste) >= 0.9
    assert (candidate.behaviour.k, candidate.taste.k if candidate.taste else None) == (4, 3)


def test_the_same_sample_and_seed_give_the_same_model(candidate: Candidate) -> None:
    assert fit(planted(800)[0], as_of=DAY, seed=1, search=SEARCH).model.to_json() == candidate.model.to_json()


def test_names_are_words_and_unique(candidate: Candidate) -> None:
    taste = candidate.model.taste
    assert taste is not None
    assert {label.name for label in candidate.model.behaviour.labels} == {
        "Active top buyers",
        "New occasional buyers",
        "Lapsed regular buyers",
        "Active browsers",
    }
    words = {frozenset(label.name.removeprefix("Likes ").split(" and ")) for label in taste.labels}
    assert words == {frozenset(pair) for pair in TASTES}


def test_a_shop_without_prices_is_told_apart_by_pieces() -> None:
    users, kinds, _ = planted(800, has_prices=False)
    model = fit(users, as_of=DAY, seed=1, search=SEARCH).model
    assert model.behaviour.monetary_basis == "units"
    assert adjusted_rand_score(kinds, model.assign(users)[0]) >= 0.9


def test_a_shop_without_categories_has_no_taste_and_says_why() -> None:
    users, _, _ = planted(400)
    bare = liking(users, [[]] * users.num_rows)
    found = fit(bare, as_of=DAY, seed=1, search=SEARCH)
    assert found.model.taste is None
    assert "0 categories" in found.taste_remark


def test_users_who_are_all_alike_give_a_fit_that_the_gate_refuses() -> None:
    points = np.random.default_rng(1).normal(size=(600, 6))
    assert faults(fit_k(points, 5, seed=1, search=SEARCH), SEARCH)


def test_the_finest_of_the_nearly_best_is_chosen() -> None:
    fits = [a_fit(3, silhouette=0.40), a_fit(4, silhouette=0.37), a_fit(5, silhouette=0.30)]
    assert choose(fits, SEARCH).k == 4


def test_a_fit_with_a_fault_is_not_chosen_while_another_has_none() -> None:
    assert choose([a_fit(3), a_fit(6, silhouette=0.9, smallest_share=0.01)], SEARCH).k == 3


def test_a_champion_is_measured_on_the_days_users(candidate: Candidate) -> None:
    users, _, _ = planted(800, seed=9)
    found = standing(candidate.model, users, SEARCH)
    assert found is not None
    assert found.behaviour_silhouette == pytest.approx(candidate.behaviour.silhouette, abs=0.05)
    assert found.taste_silhouette == pytest.approx(candidate.taste.silhouette if candidate.taste else 0, abs=0.05)
    assert found.behaviour_smallest_share > 0.1
    assert standing(None, users, SEARCH) is None
