"""Claims about tastes that are spread thinly over many categories: found by their leading directions, and not where there are none."""

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import adjusted_rand_score

from jobs.segmentation import tastes
from jobs.segmentation.alignment import aligned
from jobs.segmentation.fitting import Search, faults
from jobs.segmentation.served_segments import NO_CLUSTER, SegmentModel, from_json
from jobs.segmentation.training import Candidate, fit, standing
from tests.unit.segmentation.shoppers import liking, planted

SEARCH = Search(ks=(3, 4, 5), restarts=3, silhouette_users=900, resamples=5)
DAY = date(2026, 6, 30)
USERS, CATEGORIES, EVENTS, LIKED = 900, 90, 25, 10
"""Each of three tastes likes ten categories; everybody buys from the last thirty."""


def thin(of_taste: float, *, seed: int = 7) -> tuple[pa.Table, list[int]]:
    """Users with few events in many categories, a share of which is of their taste's."""
    users, _, kinds = planted(USERS)
    drawn = np.random.default_rng(seed)
    lists = []
    for kind in kinds:
        share = np.full(CATEGORIES, 0.2 / CATEGORIES)
        share[-30:] += (0.8 - of_taste) / 30
        share[kind * LIKED : (kind + 1) * LIKED] += of_taste / LIKED
        counts = drawn.multinomial(EVENTS, share / share.sum())
        lists.append([(f"c{number:02}", int(counts[number])) for number in np.flatnonzero(counts)])
    return liking(users, lists), kinds


@pytest.fixture(scope="module")
def shop() -> tuple[pa.Table, list[int]]:
    return thin(0.25)


@pytest.fixture(scope="module")
def candidate(shop: tuple[pa.Table, list[int]]) -> Candidate:
    return fit(shop[0], as_of=DAY, seed=1, search=SEARCH)


def test_tastes_over_many_categories_are_found_where_shares_as_they_are_do_not_part_users(
    shop: tuple[pa.Table, list[int]], candidate: Candidate
) -> None:
    users, kinds = shop
    assert all(faults(one, SEARCH) for one in candidate.fits[tastes.PLAIN])
    assert candidate.taste in candidate.fits[f"{tastes.PROJECTED}_2"]
    assert adjusted_rand_score(kinds, candidate.model.assign(users).taste) >= 0.8
    assert candidate.taste_remark == "taste clusters serve, on 2 directions of 90 categories"


def test_a_projected_taste_is_named_by_what_its_users_like(shop: tuple[pa.Table, list[int]], candidate: Candidate) -> None:
    users, kinds = shop
    taste, clusters = candidate.model.taste, candidate.model.assign(users).taste
    assert taste is not None
    for cluster, label in enumerate(taste.labels):
        kind = np.bincount(np.array(kinds)[clusters == cluster]).argmax()
        liked = {f"c{number:02}" for number in range(kind * LIKED, (kind + 1) * LIKED)}
        assert set(label.name.removeprefix("Likes ").replace(", ", " and ").split(" and ")) <= liked


def test_where_everybody_likes_the_same_no_taste_serves() -> None:
    found = fit(thin(0.0)[0], as_of=DAY, seed=1, search=SEARCH)
    assert found.model.taste is None
    assert found.taste_remark.startswith("no taste clusters: ")


def test_chance_has_no_direction_and_one_planted_cause_has_one() -> None:
    drawn = np.random.default_rng(3)
    noise = drawn.normal(size=(900, 12))
    assert tastes.leading_directions(noise, seed=1).shape[1] <= 1  # one in twenty is above chance by chance
    cause = drawn.normal(size=(900, 1)) * ([3.0] * 4 + [0.0] * 8)
    found = tastes.leading_directions(noise + cause, seed=1)[:, 0]
    assert found[:4] == pytest.approx([0.5] * 4, abs=0.05)
    assert found[4:] == pytest.approx([0.0] * 8, abs=0.05)


def test_as_few_directions_are_looked_along_as_give_sound_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    def and_chance(points: np.ndarray, *, seed: int) -> np.ndarray:
        """The two that the tastes lie along, and eight of chance."""
        drawn = np.random.default_rng(seed).normal(size=(CATEGORIES, 8))
        return np.linalg.qr(np.hstack([of_taste(points, seed=seed), drawn]))[0]

    of_taste = tastes.leading_directions
    monkeypatch.setattr(tastes, "leading_directions", and_chance)
    candidate = fit(thin(0.25)[0], as_of=DAY, seed=1, search=replace(SEARCH, minimum_silhouette=0.6))
    assert [scheme for scheme in candidate.fits if scheme != "behaviour"] == [
        tastes.PLAIN,
        *[f"{tastes.PROJECTED}_{count}" for count in (10, 5, 2)],
    ]
    assert candidate.taste in candidate.fits[f"{tastes.PROJECTED}_2"]


def test_what_everybody_buys_weighs_least() -> None:
    assert tastes.rarity(np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])) == pytest.approx([1.0, 1 + np.log(1.5), 1 + np.log(3.0)])


def test_users_who_differ_in_too_few_ways_have_no_tastes_and_are_told_so() -> None:
    users, _ = thin(0.25)
    few = liking(users, [[(name, 5)] for name in ("a", "b") for _ in range(USERS // 2)])
    assert fit(few, as_of=DAY, seed=1, search=SEARCH).taste_remark == "no taste clusters: too few users differ in what they like"


def test_a_projected_model_survives_its_file_and_does_not_mind_who_shares_the_batch(
    shop: tuple[pa.Table, list[int]], candidate: Candidate
) -> None:
    users, model = shop[0], from_json(candidate.model.to_json())
    assert model == candidate.model
    together = model.assign(users).taste.tolist()
    assert [int(model.assign(users.slice(at, 1)).taste[0]) for at in range(60)] == together[:60]
    assert NO_CLUSTER not in together


def test_tastes_that_were_found_again_keep_their_names_however_they_were_looked_at(
    shop: tuple[pa.Table, list[int]], candidate: Candidate
) -> None:
    champion = replace(candidate.model, version="1")
    again = fit(thin(0.25, seed=8)[0], as_of=DAY, seed=2, search=SEARCH).model
    found, moved = aligned(again, champion, shop[0])
    assert names(found) == names(champion)
    assert moved["taste"] <= 0.1


def names(model: SegmentModel) -> set[str]:
    assert model.taste is not None
    return {label.name for label in model.taste.labels}


def test_a_champion_is_judged_by_the_points_of_who_would_follow_it(shop: tuple[pa.Table, list[int]], candidate: Candidate) -> None:
    users = shop[0]
    assert candidate.taste is not None
    beside = standing(candidate.model, users, SEARCH, beside=candidate.model.taste)
    assert beside is not None
    assert beside.taste_silhouette == pytest.approx(candidate.taste.silhouette)
