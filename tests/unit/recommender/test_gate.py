"""Claims about who may become champion."""

from dataclasses import replace

import pytest

from jobs.estimate import Estimate
from jobs.recommender.gate import POPULARITY, Evidence, Lists, Rails, Rival, decide
from jobs.waiting import approved

RAILS = Rails()
BETTER, WORSE, UNSURE, EQUAL = Estimate(0.02, 0.01, 0.03), Estimate(-0.02, -0.03, -0.01), Estimate(0.02, 0.0, 0.04), Estimate(0.0, 0.0, 0.0)
TINY = Estimate(RAILS.least_lead / 2, RAILS.least_lead / 4, RAILS.least_lead)
POPULAR = Rival(POPULARITY, Lists(coverage=0.1, novelty=3.0, popularity_share=1.0), Estimate(0.05, 0.03, 0.07))
CHAMPION = Rival("champion version 3", Lists(coverage=0.5, novelty=6.0, popularity_share=0.4), BETTER)
GOOD = Evidence("als", 900, Estimate(0.20, 0.18, 0.22), Lists(0.4, 6.0, 0.4), (POPULAR, CHAMPION), "3")
FIRST = replace(GOOD, rivals=(POPULAR,), champion_version=None)


def test_a_candidate_that_is_surely_better_than_both_is_promoted_with_its_figures() -> None:
    decision = decide(GOOD)
    assert decision.is_promoted
    assert decision.reason == (
        "Promoted: als has ndcg_at_10 0.2000 [0.1800, 0.2200] over 900 users, +0.0500 [+0.0300, +0.0700] against popularity and "
        "+0.0200 [+0.0100, +0.0300] against champion version 3; coverage_at_10 0.400, novelty_at_10 6.00 bits, 40% of the places for the "
        "best known tenth. Every guard-rail holds."
    )


def test_a_held_candidate_that_passes_awaits_approval_and_says_the_same_figures() -> None:
    held, promoted = decide(GOOD, hold=True), decide(GOOD)
    assert (held.is_promoted, held.awaits_approval, promoted.awaits_approval) == (False, True, False)
    figures = promoted.reason.removeprefix("Promoted: ")
    assert held.reason == f"Awaits approval: {figures}"
    assert approved(held.reason) == f"Approved by a person: {figures}"


def test_a_held_candidate_that_the_gate_refuses_awaits_nothing() -> None:
    refused = replace(GOOD, rivals=(replace(POPULAR, lead=UNSURE), CHAMPION))
    assert decide(refused, hold=True) == decide(refused)


def test_the_first_champion_needs_to_beat_popularity_only() -> None:
    decision = decide(FIRST)
    assert decision.is_promoted
    assert "There was no champion." in decision.reason


@pytest.mark.parametrize(
    ("lists", "popular", "champion", "words"),
    [
        ({}, {"lead": UNSURE}, {}, "not surely better than popularity by more than 0.001"),
        ({}, {}, {"lead": UNSURE}, "not surely better than champion version 3"),
        ({}, {}, {"lead": EQUAL}, "not surely better than champion version 3"),
        ({}, {}, {"lead": TINY}, "not surely better than champion version 3 by more than 0.001"),
        ({}, {}, {"lead": WORSE}, "not surely better than champion version 3"),
        ({"coverage": 0.09}, {}, {"lists": replace(CHAMPION.lists, coverage=0.1)}, "covers less of the catalogue than popularity (0.100)"),
        ({"coverage": 0.2}, {}, {}, "covers less than 50% of what champion version 3 covers (0.500)"),
        ({"novelty": 4.9}, {}, {}, "its lists are more than 1 bits less novel than those of champion version 3 (6.00)"),
        ({"popularity_share": 0.51}, {}, {}, "gives the best known tenth over 10% more places than champion version 3 (40%)"),
        ({}, {"groups": {"segment new": (100, WORSE)}}, {}, "surely worse than popularity for the 100 users of group 'segment new'"),
        (
            {},
            {},
            {"groups": {"segment new": (100, WORSE)}},
            "surely worse than champion version 3 for the 100 users of group 'segment new'",
        ),
        ({}, {}, {"groups": {"vip": (400, Estimate(-0.02, -0.05, 0.01))}}, "worse by more than 0.01 on average than champion version 3"),
    ],
)
def test_each_objection_alone_keeps_the_champion(
    lists: dict[str, float], popular: dict[str, object], champion: dict[str, object], words: str
) -> None:
    rivals = (replace(POPULAR, **popular), replace(CHAMPION, **champion))  # type: ignore[arg-type]  # each a field, of the right type
    decision = decide(replace(GOOD, lists=replace(GOOD.lists, **lists), rivals=rivals))
    assert not decision.is_promoted
    assert words in decision.reason
    assert "champion version 3 goes on serving" in decision.reason
    assert decision.reason.count("; ") == 1, "no other objection"


@pytest.mark.parametrize("group", [(99, WORSE), (400, Estimate(-0.005, -0.05, 0.04))])
def test_a_small_group_or_a_small_unsure_loss_has_no_veto(group: tuple[int, Estimate]) -> None:
    assert decide(replace(GOOD, rivals=(POPULAR, replace(CHAMPION, groups={"few": group})))).is_promoted


def test_without_a_champion_a_refused_candidate_leaves_popularity_serving() -> None:
    assert "popularity serves" in decide(replace(FIRST, rivals=(replace(POPULAR, lead=UNSURE),))).reason
