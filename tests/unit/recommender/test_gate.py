"""Claims about who may become champion."""

from dataclasses import replace

import pytest

from jobs.estimate import Estimate
from jobs.recommender.gate import LEAST_GROUP, Evidence, Group, decide

GOOD = Evidence(
    users=900,
    ndcg_at_10=Estimate(0.20, 0.18, 0.22),
    lead_over_popularity=Estimate(0.05, 0.03, 0.07),
    coverage_at_10=0.4,
    popularity_coverage_at_10=0.1,
    champion_version="3",
    lead_over_champion=Estimate(0.02, 0.01, 0.03),
    champion_coverage_at_10=0.5,
)
WORSE = Estimate(-0.02, -0.03, -0.01)
UNSURE = Estimate(0.02, 0.0, 0.04)


def test_a_candidate_that_is_surely_better_than_both_is_promoted_with_its_figures() -> None:
    decision = decide(GOOD)
    assert decision.is_promoted
    assert "0.2000 [0.1800, 0.2200] over 900 users" in decision.reason
    assert "+0.0500 [+0.0300, +0.0700] against popularity" in decision.reason
    assert "champion version 3" in decision.reason


def test_the_first_champion_needs_to_beat_popularity_only() -> None:
    decision = decide(replace(GOOD, champion_version=None, lead_over_champion=None, champion_coverage_at_10=None))
    assert decision.is_promoted
    assert "There was no champion." in decision.reason


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lead_over_popularity": UNSURE}, "not surely better than popularity"),
        ({"lead_over_champion": UNSURE}, "not surely better than the champion"),
        ({"coverage_at_10": 0.09, "champion_coverage_at_10": 0.1}, "less of the catalogue than popularity"),
        ({"coverage_at_10": 0.2}, "less than half of what the champion covers"),
        ({"groups": {"no earlier event": Group(LEAST_GROUP, WORSE)}}, "surely worse than popularity for 100 users with no earlier event"),
    ],
)
def test_each_objection_alone_keeps_the_champion(change: dict[str, object], words: str) -> None:
    decision = decide(replace(GOOD, **change))  # type: ignore[arg-type]  # one field each, of the right type
    assert not decision.is_promoted
    assert words in decision.reason
    assert "champion version 3 goes on serving" in decision.reason


def test_a_small_group_has_no_veto() -> None:
    assert decide(replace(GOOD, groups={"few": Group(LEAST_GROUP - 1, WORSE)})).is_promoted


def test_without_a_champion_a_refused_candidate_leaves_popularity_serving() -> None:
    refused = replace(GOOD, champion_version=None, lead_over_champion=None, champion_coverage_at_10=None, lead_over_popularity=UNSURE)
    assert "popularity serves" in decide(refused).reason
