"""Claims about the search, with a made-up shop in the place of the exam: no Spark, no MLflow."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from jobs.errors import TooLargeError
from jobs.estimate import Estimate
from jobs.recommender.als.progress import Progress, tell
from jobs.recommender.candidate import Candidate
from jobs.recommender.family import TRAINERS
from jobs.recommender.models.ease import EaseTrainer
from jobs.recommender.models.markov import MarkovTrainer
from jobs.recommender.search import LEAST_FOR_RUNGS, RUNGS, SPACES, Summary, search
from jobs.recommender.size import require
from jobs.recommender.verification import Unlogged
from jobs.tracking import Run

BEST = 400.0
STARTS = (Candidate(EaseTrainer(regularisation=2.0)), Candidate(EaseTrainer(regularisation=5.0)))


@dataclass(frozen=True)
class Kept(Unlogged):
    """A run that keeps what its children were told."""

    run_id: str = ""
    experiment_id: str = ""
    children: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def log_params(self, params: Mapping[str, object]) -> None:
        self.children[-1][1].update(params)

    def log_metrics(self, metrics: Mapping[str, Estimate | float], step: int = 0) -> None:
        self.children[-1][1].update({f"{name} {step}": value for name, value in metrics.items()})

    def tag(self, tags: Mapping[str, str]) -> None:
        self.children[-1][1].update(tags)

    @contextmanager
    def child(self, name: str) -> Iterator[Run]:
        self.children.append((name, {}))
        yield self


def goodness(candidate: Candidate) -> float:
    """Best at a regularisation of ``BEST``, the worse the further away in factors."""
    trainer = candidate.trainer
    if not isinstance(trainer, EaseTrainer):
        return 0.3
    factor = max(trainer.regularisation, BEST) / min(trainer.regularisation, BEST)
    return 1 / (1 + factor)


def sit(candidate: Candidate, _: float) -> Summary:
    value = goodness(candidate)
    return {"ndcg_at_10": Estimate(value, value, value)}


def test_the_declared_candidates_come_first_and_alone_unless_more_are_wanted() -> None:
    run = Kept()
    best, tried = search(run, STARTS, 0, 100, sit)
    assert [one.candidate for one in tried] == list(STARTS)
    assert best == STARTS[1]
    assert [name for name, _ in run.children] == ["ease half_life_days=14 regularisation=2", "ease half_life_days=14 regularisation=5"]


def test_what_is_proposed_gets_near_the_best_and_the_same_seed_proposes_the_same() -> None:
    best, tried = search(Kept(), STARTS, 30, 100, sit)
    assert len(tried) == 30
    assert goodness(best) > 2 * goodness(STARTS[1])
    assert {one.candidate.trainer.name for one in tried} == {"ease"}, "only models that were declared"
    again, _ = search(Kept(), STARTS, 30, 100, sit)
    assert again == best


def test_a_hopeless_candidate_is_given_up_where_there_are_users_enough() -> None:
    asked: list[float] = []

    def counted(candidate: Candidate, share: float) -> Summary:
        asked.append(share)
        return sit(candidate, share)

    starts = (*STARTS, Candidate(EaseTrainer(regularisation=400.0)), Candidate(EaseTrainer(regularisation=300.0)))
    run = Kept()
    _, tried = search(run, starts, 14, LEAST_FOR_RUNGS, counted)
    given_up = [one for one in tried if not one.is_complete]
    assert given_up
    assert asked.count(RUNGS[0]) == 14
    assert asked.count(1.0) == 14 - len(given_up)
    assert max(goodness(one.candidate) for one in given_up) < goodness(starts[2])
    assert sum("given_up" in told for _, told in run.children) == len(given_up)


def test_few_users_are_never_split() -> None:
    _, tried = search(Kept(), STARTS, 6, LEAST_FOR_RUNGS - 1, sit)
    assert all(one.is_complete for one in tried)


def test_a_declared_candidate_without_a_space_is_tried_as_it_is() -> None:
    start = Candidate(MarkovTrainer())
    best, tried = search(Kept(), (start,), 5, 100, sit)
    assert (best, len(tried)) == (start, 1)


def test_a_model_that_the_shop_is_too_large_for_is_passed_over_unless_there_is_no_other() -> None:
    def too_large(candidate: Candidate, share: float) -> Summary:
        require(candidate.trainer.name, "items", 20, 10 if isinstance(candidate.trainer, EaseTrainer) else 30)
        return sit(candidate, share)

    run = Kept()
    best, tried = search(run, (*STARTS, Candidate(MarkovTrainer())), 3, 100, too_large)
    assert isinstance(best.trainer, MarkovTrainer)
    assert [one.is_complete for one in tried] == [False, False, True]
    assert "expected at most 10 items" in run.children[0][1]["too_large"]
    with pytest.raises(TooLargeError, match="ease: expected at most 10 items"):
        search(Kept(), STARTS, 2, 100, too_large)


@pytest.mark.parametrize("name", sorted(SPACES))
def test_every_model_with_a_space_can_be_searched(name: str) -> None:
    _, tried = search(Kept(), (Candidate(TRAINERS[name]),), 4, 100, sit)
    assert {one.candidate.trainer.name for one in tried} == {name}


def test_the_half_steps_of_a_fit_are_told_to_its_candidates_run() -> None:
    run = Kept()

    def fitting(candidate: Candidate, share: float) -> Summary:
        tell(Progress(1, "users", 2.0, None))
        tell(Progress(1, "items", 3.0, 40.0))
        return sit(candidate, share)

    search(run, STARTS[:1], 0, 100, fitting)
    tell(Progress(9, "items", 3.0, 40.0))
    told = {name: value for name, value in run.children[0][1].items() if name.startswith("als_")}
    assert told == {"als_users_seconds 1": 2.0, "als_items_seconds 1": 3.0, "als_objective 1": 40.0}
