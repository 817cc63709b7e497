"""Claims about places given out under rules: the vectorised way equals one that takes each place by hand. Without Spark."""

from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from pydantic import ValidationError

from jobs.recommender.chain import chained
from jobs.recommender.house_rules import Boost, HouseRules
from jobs.recommender.models.popularity import Popularity
from jobs.recommender.ranker import NOTHING
from jobs.recommender.slates import Arrangement, LeftOut, Slates, best, best_of_shared, relevance, rounded
from tests.fixed_ranker import FixedRanker

DAYS = {"start": date(2026, 6, 1), "end": date(2026, 7, 1)}


def by_hand(scores: list[float], k: int, rules: Arrangement, taken: list[int]) -> list[tuple[int, float]]:
    """Place by place: every item that is left is looked at anew. ``taken``: categories of the places before."""
    figures = rounded(np.array([scores]))
    rescored = rules.relevance_share < 1 or (rules.factors != 1).any()
    worth = (relevance(figures) * rules.factors * rules.relevance_share if rescored else figures)[0]
    slate: list[tuple[int, float]] = []
    categories = [category for category in taken if category >= 0]
    while len(slate) < k:
        open_items = []
        for item, value in enumerate(worth):
            category = int(rules.categories[item])
            full = category >= 0 and rules.most_a_category is not None and categories.count(category) >= rules.most_a_category
            if value > NOTHING and not full and item not in [one for one, _ in slate]:
                less = 1 - rules.relevance_share if category >= 0 and category in categories else 0.0
                open_items.append((-(value - less), item))
        if not open_items:
            break
        found, item = min(open_items)
        slate.append((item, -found))
        categories += [int(rules.categories[item])] if rules.categories[item] >= 0 else []
    return slate


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("most", "share", "boost"), [(2, 1.0, 1.0), (None, 0.7, 1.0), (1, 0.5, 3.0), (None, 1.0, 3.0)])
def test_all_at_once_equals_place_by_place(seed: int, most: int | None, share: float, boost: float) -> None:
    chance = np.random.default_rng(seed)
    users, items, k = 7, 30, 8
    scores = chance.integers(-5, 6, size=(users, items)) / 4.0  # with ties
    scores[chance.random((users, items)) < 0.3] = NOTHING
    scores[0] = NOTHING
    factors = np.where(chance.random(items) < 0.2, boost, 1.0)
    rules = Arrangement(chance.integers(-1, 5, size=items), factors, most, share)
    first = best(np.where(chance.random((users, items)) < 0.1, 1.0, NOTHING), 2)
    for user in range(users):
        scores[user, first.positions[user, : first.filled[user]]] = NOTHING
    found = rules.best(scores.copy(), k, first)
    for user in range(users):
        taken = [int(rules.categories[item]) for item in first.positions[user, : first.filled[user]]]
        wanted = by_hand(scores[user].tolist(), k, rules, taken)
        filled = int(found.filled[user])
        assert found.positions[user, :filled].tolist() == [item for item, _ in wanted]
        assert found.scores[user, :filled].tolist() == pytest.approx([value for _, value in wanted])
        assert (np.diff(found.scores[user, :filled]) <= 1e-12).all(), "scores fall with the ranks"


@pytest.mark.parametrize("seed", range(40))
def test_lists_from_shared_scores_equal_those_of_a_score_for_everybody(seed: int) -> None:
    chance = np.random.default_rng(seed)
    users, items, k = 25, int(chance.integers(1, 60)), int(chance.integers(1, 30))
    scores = np.round(chance.exponential(3.0, items) ** 4, int(chance.integers(-1, 4)))  # far apart, so that the unit differs; with ties
    scores[chance.random(items) < 0.1] *= -1
    scores[chance.random(items) < 0.1] = NOTHING
    is_out = chance.random((users, items)) < chance.random((users, 1)) ** 3
    is_out[0], is_out[1] = False, True
    found = best_of_shared(scores, LeftOut.of_pairs(users, *np.nonzero(is_out)), k)
    wanted = best(np.where(is_out, NOTHING, scores), k)
    assert found.filled.tolist() == wanted.filled.tolist()
    assert found.positions.tolist() == wanted.positions.tolist()
    assert found.scores.tolist() == wanted.scores.tolist()


def test_a_chain_finds_the_same_by_shared_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = pa.array([f"i{number:02}" for number in range(40)])
    popular = Popularity(ids, np.array([number // 2 for number in range(40, 0, -1)], np.float64))
    lists = {"items": pa.nulls(9, pa.list_(pa.string())), "weights": pa.nulls(9, pa.list_(pa.float64()))}
    block = pa.RecordBatch.from_pydict({"user_id": [f"u{row}" for row in range(9)], **lists, "times": pa.nulls(9, pa.list_(pa.int64()))})
    masked = np.repeat(np.arange(9), 5), np.random.default_rng(1).integers(0, 26, 45)
    shelf = ids.filter(pa.array(np.arange(40) % 3 > 0))
    everything = chained(block, (popular,), shelf, 10, masked)
    monkeypatch.setattr("jobs.recommender.chain.CELLS_A_BLOCK", 1)
    monkeypatch.setattr(Popularity, "scores", None)
    found = chained(block, (popular,), shelf, 10, masked)
    assert (found.positions == everything.positions).all()
    assert (found.scores == everything.scores).all()


def test_a_cap_holds_over_all_links_of_a_chain() -> None:
    ids = pa.array(["a", "b", "c", "d", "e"])
    rules = Arrangement(np.array([0, 0, 0, 1, -1]), np.ones(5), most_a_category=1)
    first = FixedRanker(pa.array(["b"]), (1.0,), "first")
    second = FixedRanker(ids, (9.0, 8.0, 7.0, 6.0, 5.0), "second")
    nothing: npt.NDArray[np.int64] = np.zeros(0, np.int64)
    lists = {"items": pa.nulls(1, pa.list_(pa.string())), "weights": pa.nulls(1, pa.list_(pa.float64()))}
    block = pa.RecordBatch.from_pydict({"user_id": ["u"], **lists, "times": pa.nulls(1, pa.list_(pa.int64()))})
    slates = chained(block, (first, second), ids, 4, (nothing, nothing), arrangement=rules)
    assert slates.positions[0, : slates.filled[0]].tolist() == [1, 3, 4], "an item without a category falls under no cap"
    assert slates.links[0, : slates.filled[0]].tolist() == [0, 1, 1]


def test_without_rules_the_scores_alone_decide() -> None:
    shelf = pa.table({"item_id": ["a", "b"], "category_id": pa.array([None, "x"]), "factor": [1.0, 1.0]})
    assert Arrangement.of(shelf, HouseRules(blocked_categories=("y",))) is None
    capped = Arrangement.of(shelf, HouseRules(most_a_category=3))
    assert capped is not None
    assert capped.categories.tolist() == [-1, 0]


def test_equal_scores_stay_equal_when_they_are_scaled_and_a_boost_tells_them_apart() -> None:
    rules = Arrangement(np.array([-1, -1, -1]), np.array([1.0, 1.0, 2.0]))
    assert rules.best(np.array([[4.0, 4.0, 4.0]]), 3, Slates.empty(1, 3)).positions.tolist() == [[2, 0, 1]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"most_a_category": 0},
        {"relevance_share": 0.0},
        {"relevance_share": 1.5},
        {"categories": ["a"]},
        {"boosts": [{"factor": 2.0, **DAYS}]},
        {"boosts": [{"factor": 2.0, "item_id": "a", "category_id": "c", **DAYS}]},
        {"boosts": [{"factor": 2.0, "item_id": "a", "start": DAYS["end"], "end": DAYS["start"]}]},
        {"boosts": [{"factor": 11.0, "item_id": "a", **DAYS}]},
    ],
)
def test_rules_that_say_nothing_sensible_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        HouseRules.model_validate(wrong)


def test_rules_come_back_from_their_json_as_they_were() -> None:
    rules = HouseRules(
        blocked_categories=("c9", "c1"), relevance_share=0.8, boosts=(Boost(item_id="a", factor=2.0, start=DAYS["start"], end=DAYS["end"]),)
    )
    assert HouseRules.model_validate_json(rules.model_dump_json()) == rules
