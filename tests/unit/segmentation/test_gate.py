"""Claims about which segments may serve."""

from jobs.segmentation.fitting import Fit, Search
from jobs.segmentation.gate import MINIMUM_USERS, MOST_MOVED, Standing, decide, too_few

SEARCH = Search()


def a_fit(**changes: float) -> Fit:
    figures = {"inertia": 1.0, "silhouette": 0.4, "stability": 0.9, "smallest_share": 0.1} | changes
    return Fit(k=2, centroids=((0.0,), (1.0,)), **figures)


def a_champion(**changes: object) -> Standing:
    base = {"version": "3", "behaviour_silhouette": 0.4, "behaviour_smallest_share": 0.1, "has_taste": True, "taste_silhouette": 0.4}
    return Standing(**(base | changes))  # type: ignore[arg-type]  # a builder's changes are of any type


def test_too_few_users_are_refused_with_their_number() -> None:
    refused = too_few(MINIMUM_USERS - 1)
    assert refused is not None
    assert not refused.is_promoted
    assert "199 users" in refused.reason
    assert too_few(MINIMUM_USERS) is None


def test_the_first_sound_model_is_promoted_with_or_without_taste() -> None:
    assert decide(a_fit(), a_fit(), None, SEARCH).is_promoted
    assert decide(a_fit(), None, None, SEARCH).is_promoted


def test_every_fault_is_named_in_the_refusal() -> None:
    verdict = decide(a_fit(stability=0.3, smallest_share=0.001, silhouette=0.05), None, None, SEARCH)
    assert not verdict.is_promoted
    assert all(words in verdict.reason for words in ("smallest cluster holds 0.1%", "agree by 0.30", "silhouette is 0.05"))


def test_known_names_stay_while_the_champion_does_as_well() -> None:
    assert not decide(a_fit(silhouette=0.41), a_fit(), a_champion(), SEARCH).is_promoted
    assert decide(a_fit(silhouette=0.43), a_fit(), a_champion(), SEARCH).is_promoted


def test_a_gain_in_one_scheme_must_not_cost_the_other() -> None:
    assert not decide(a_fit(silhouette=0.5), a_fit(silhouette=0.3), a_champion(), SEARCH).is_promoted


def test_a_champion_with_an_emptied_cluster_is_replaced() -> None:
    assert decide(a_fit(), a_fit(), a_champion(behaviour_smallest_share=0.0), SEARCH).is_promoted


def test_taste_is_gained_and_never_lost() -> None:
    assert decide(a_fit(), a_fit(), a_champion(has_taste=False, taste_silhouette=None), SEARCH).is_promoted
    assert not decide(a_fit(silhouette=0.6), None, a_champion(), SEARCH).is_promoted


def test_a_retrain_that_would_move_too_many_users_waits_for_a_person_and_one_that_is_no_better_is_refused() -> None:
    better, worse = a_fit(silhouette=0.5), a_fit(silhouette=0.41)
    assert decide(better, a_fit(), a_champion(moved_share=MOST_MOVED), SEARCH).is_promoted
    waits = decide(better, a_fit(), a_champion(moved_share=0.31), SEARCH)
    assert (waits.is_promoted, waits.awaits_approval) == (False, True)
    assert waits.reason.startswith("Awaits approval: 2 behaviour clusters")
    assert waits.reason.endswith("31% of the users would come into another segment, more than 20%.")
    refused = decide(worse, a_fit(), a_champion(moved_share=0.31), SEARCH)
    assert (refused.is_promoted, refused.awaits_approval) == (False, False)
