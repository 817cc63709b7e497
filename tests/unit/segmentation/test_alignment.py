"""Claims about labels over retrains: who is the same keeps number and name, what is new has its own."""

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from jobs.segmentation.alignment import LEAST_OVERLAP, aligned, matched
from jobs.segmentation.fitting import Search, stability
from jobs.segmentation.served_segments import NO_CLUSTER, Label, SegmentModel
from jobs.segmentation.training import fit
from tests.unit.segmentation.shoppers import KINDS, another_week, planted

SEARCH = Search(ks=(3, 4, 5), restarts=3, silhouette_users=600, resamples=5)
DAY = date(2026, 6, 30)


def ids(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32)


def nowhere(users: int) -> np.ndarray:
    """Users who are all at one place, so that only what they share decides."""
    return np.zeros((users, 1))


def test_clusters_of_the_same_users_are_the_same_whatever_their_number() -> None:
    found = matched(ids(0, 0, 0, 1, 1, 2), ids(2, 2, 2, 0, 0, 1), (3, 3), nowhere(6))
    assert found.old_of == {0: 1, 1: 2, 2: 0}
    assert found.moved_share == 0.0


def test_the_assignment_is_the_best_of_all_and_not_the_first_that_fits() -> None:
    # New 0 overlaps most with old 0, but old 0 is nearly all of new 1: taken greedily new 1 would be left with nothing.
    old = ids(*[0] * 10, *[1] * 4)
    new = ids(*[1] * 7, *[0] * 3, *[0] * 4)
    assert matched(old, new, (2, 2), nowhere(14)).old_of == {1: 0, 0: 1}


def test_a_cluster_that_shares_too_few_users_with_any_is_new() -> None:
    old = ids(*[0] * 6, *[1] * 6)
    new = ids(*[0] * 6, *[1] * 2, *[2] * 2, *[3] * 2)
    found = matched(old, new, (2, 4), nowhere(12))
    assert found.old_of[0] == 0
    assert list(found.old_of.values()).count(1) == 1
    assert found.moved_share == pytest.approx(4 / 12)
    assert LEAST_OVERLAP <= 2 / 6
    assert matched(ids(0, 0, 0, 0), ids(0, 1, 2, 3), (1, 4), nowhere(4)).old_of == {}


def test_users_without_a_cluster_say_nothing_and_nearness_decides_where_users_do_not() -> None:
    found = matched(ids(NO_CLUSTER, 0, 1), ids(0, 1, NO_CLUSTER), (2, 2), nowhere(3))
    assert (found.old_of, found.moved_share) == ({1: 0}, 0.0)
    # Each of the new clusters has a user of each of the old ones: where they are decides.
    old, new = ids(0, 0, 1, 1), ids(0, 1, 0, 1)
    left_and_right = np.array([[0.0], [0.0], [0.0], [9.0]])
    assert matched(old, new, (2, 2), left_and_right).old_of == {0: 0, 1: 1}
    assert matched(old, new, (2, 2), left_and_right[[1, 3, 0, 2]]).old_of == {0: 1, 1: 0}


@pytest.fixture(scope="module")
def champion() -> SegmentModel:
    return fit(planted(800)[0], as_of=DAY, seed=1, search=SEARCH).model


def shuffled(model: SegmentModel) -> SegmentModel:
    """The same clusters in another order, under names of their own."""
    part = model.behaviour
    order = [2, 0, 3, 1]
    labels = tuple(replace(part.labels[index], name=f"Newly found {index}") for index in order)
    return replace(model, behaviour=replace(part, centroids=tuple(part.centroids[index] for index in order), labels=labels))


def test_a_retrain_keeps_numbers_and_names_of_what_it_finds_again(champion: SegmentModel) -> None:
    users = planted(800)[0]
    found, moved = aligned(shuffled(champion), champion, users)
    assert {moved["behaviour"], moved["taste"]} == {0.0}
    assert found.behaviour.ids == (2, 0, 3, 1)
    assert [label.name for label in found.behaviour.labels] == [champion.behaviour.labels[index].name for index in (2, 0, 3, 1)]
    again, _ = aligned(shuffled(found), found, users)
    assert dict(zip(again.behaviour.ids, [one.name for one in again.behaviour.labels], strict=True)) == dict(
        zip(found.behaviour.ids, [one.name for one in found.behaviour.labels], strict=True)
    )


def test_what_is_new_has_a_number_that_none_has_had_and_a_name_of_its_own(champion: SegmentModel) -> None:
    old = replace(
        champion, behaviour=replace(champion.behaviour, centroids=champion.behaviour.centroids[:3], labels=champion.behaviour.labels[:3])
    )
    old = replace(old, behaviour=replace(old.behaviour, ids=(7, 3, 5)))
    same = tuple(Label(champion.behaviour.labels[0].name, "m", "a") for _ in champion.behaviour.labels)
    found, moved = aligned(replace(champion, behaviour=replace(champion.behaviour, labels=same)), old, planted(800)[0])
    assert set(found.behaviour.ids[:3]) <= {7, 3, 5, 8}
    assert 8 in found.behaviour.ids
    assert len({label.name for label in found.behaviour.labels}) == 4
    assert 0 < moved["behaviour"] < 0.5


def test_a_number_that_went_with_its_cluster_is_not_given_again(champion: SegmentModel) -> None:
    users = planted(800)[0]
    left = replace(champion.behaviour, centroids=champion.behaviour.centroids[:3], labels=champion.behaviour.labels[:3])
    without_last, _ = aligned(replace(champion, behaviour=left), champion, users)
    assert without_last.behaviour.ids == (0, 1, 2)
    found, _ = aligned(champion, without_last, users)
    assert max(found.behaviour.ids) == 4


def retrained(serving: SegmentModel, users: pa.Table, week: int) -> SegmentModel:
    """The week's model, fitted on three quarters of the users, with the labels of the one that serves."""
    drawn = np.sort(np.random.default_rng(week).permutation(users.num_rows)[: 3 * users.num_rows // 4])
    return aligned(fit(users.take(pa.array(drawn)), as_of=DAY, seed=week, search=SEARCH).model, serving, users)[0]


def labels(model: SegmentModel, users: pa.Table) -> list[str]:
    return [model.behaviour.labels[index].name for index in model.assign(users)[0]]


def test_over_ten_weekly_retrains_of_a_shop_whose_truth_stays_users_keep_their_label(champion: SegmentModel) -> None:
    users, kinds, tastes = planted(800)
    first, serving = np.array(labels(champion, users)), champion
    for week in range(1, 11):
        now = another_week(kinds, tastes, seed=100 + week)
        serving = retrained(serving, now, week)
        assert (np.array(labels(serving, now)) == first).mean() >= 0.95


def test_over_a_retrain_who_has_become_another_kind_of_shopper_moves_and_hardly_anybody_else(champion: SegmentModel) -> None:
    users, kinds, tastes = planted(800)
    movers = set(np.random.default_rng(6).permutation(800)[:80].tolist())
    order = list(KINDS)
    turned = [order[(order.index(kind) + 1) % len(order)] if number in movers else kind for number, kind in enumerate(kinds)]
    now = another_week(turned, tastes, seed=7)
    serving = retrained(champion, now, 1)
    told = {number for number, pair in enumerate(zip(labels(champion, users), labels(serving, now), strict=True)) if pair[0] != pair[1]}
    assert len(told & movers) / len(told) >= 0.9
    assert len(told & movers) / len(movers) >= 0.9


def test_a_cluster_that_stands_apart_is_found_again_and_a_cut_through_a_cloud_is_not() -> None:
    drawn = np.random.default_rng(3)
    apart = np.concatenate([drawn.normal(0, 1, (300, 2)), drawn.normal(20, 1, (300, 2))])
    cloud = drawn.normal(0, 1, (600, 2))
    steady = stability(apart, [[0.0, 0.0], [20.0, 20.0]], seed=1, search=SEARCH)
    loose = stability(cloud, [[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, -1.0], [0.5, 0.5]], seed=1, search=SEARCH)
    assert min(steady) > 0.99
    assert max(loose) < 0.75
    assert stability(apart, [[0.0, 0.0], [20.0, 20.0]], seed=1, search=SEARCH) == steady
