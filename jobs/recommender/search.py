"""The declared search: which candidates are tried on the validation days, and which are given up early."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import Trial, TrialState

from jobs.errors import TooLargeError
from jobs.estimate import Estimate
from jobs.recommender.als.progress import watched
from jobs.recommender.candidate import Candidate
from jobs.recommender.models.als import AlsTrainer
from jobs.recommender.models.ease import EaseTrainer
from jobs.recommender.models.item_neighbours import ItemNeighboursTrainer
from jobs.recommender.ranker import Trainer
from jobs.recommender.weights import Weighting
from jobs.tracking import Run

SEED = 17

DECISIVE = "ndcg_at_10"

HALF_LIVES = (7.0, 14.0, 30.0, 90.0)
"""Days at which an event counts half."""

RUNGS = (0.25, 1.0)
"""Shares of the users that a candidate learns from and is judged by, one after the other, where there are enough."""

LEAST_FOR_RUNGS = 20_000
"""Users of the validation from which the first rung is a rung: a quarter of fewer says too little to give anybody up for."""

Summary = Mapping[str, Estimate | float]

SPACES: Mapping[str, Callable[[Trial], Trainer]] = {
    "als": lambda trial: AlsTrainer(
        rank=trial.suggest_int("als.rank", 4, 128, log=True),
        regularisation=trial.suggest_float("als.regularisation", 0.001, 1.0, log=True),
        alpha=trial.suggest_float("als.alpha", 0.1, 100.0, log=True),
    ),
    "ease": lambda trial: EaseTrainer(regularisation=trial.suggest_float("ease.regularisation", 1.0, 10_000.0, log=True)),
    "item_neighbours": lambda trial: ItemNeighboursTrainer(
        neighbours=trial.suggest_int("item_neighbours.neighbours", 1, 500, log=True),
        shrinkage=trial.suggest_float("item_neighbours.shrinkage", 0.1, 1_000.0, log=True),
    ),
}
"""What is searched of each model; the other parameters keep their defaults."""


@dataclass(frozen=True)
class Tried:
    """One candidate after the validation; ``is_complete`` is False where it was given up, or the shop is too large for its model."""

    label: str
    candidate: Candidate
    summary: Summary
    is_complete: bool

    @property
    def decisive(self) -> Estimate:
        """The figure that candidates are chosen by."""
        return _decisive(self.summary)


def search(
    run: Run, starts: Sequence[Candidate], trials: int, users: int, sit: Callable[[Candidate, float], Summary]
) -> tuple[Candidate, list[Tried]]:
    """Try ``trials`` candidates, ``starts`` first, and return the best complete one with all that were tried.

    What follows the starts is proposed by a tree-structured Parzen estimator (Bergstra et al. 2011; Optuna) over ``SPACES`` of the starts'
    models, seeded, so that the same figures propose the same. ``sit`` lets a candidate learn from a share of the users and gives its
    figures on the validation days. Where there are ``LEAST_FOR_RUNGS`` of these ``users``, a candidate that is below the median of the
    others after the first rung is given up. Each is a child run. Raises TooLargeError when no candidate is meant for so large a shop.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=max(1, len(starts)))
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=SEED, n_startup_trials=10), pruner=pruner)
    models = sorted({start.trainer.name for start in starts} & SPACES.keys())
    for start in starts:
        study.enqueue_trial(_params(start))
    rungs = RUNGS if users >= LEAST_FOR_RUNGS else RUNGS[-1:]
    tried: list[Tried] = []
    refused: TooLargeError | None = None
    for number in range(max(trials, len(starts))):
        if number >= len(starts) and not models:
            break
        trial = study.ask()
        proposed = _proposed(trial, models, starts[number] if number < len(starts) else None)
        try:
            tried.append(_tried(run, trial, proposed, rungs, sit))
        except TooLargeError as error:
            refused = error
            tried.append(Tried(proposed.trainer.name, proposed, {}, is_complete=False))
        done = tried[-1]
        study.tell(trial, done.decisive.mean if done.is_complete else None, TrialState.COMPLETE if done.is_complete else TrialState.PRUNED)
    complete = [one for one in tried if one.is_complete]
    if not complete and refused:
        raise refused
    return max(complete, key=lambda one: one.decisive.mean).candidate, tried


def _tried(run: Run, trial: Trial, candidate: Candidate, rungs: Sequence[float], sit: Callable[[Candidate, float], Summary]) -> Tried:
    params = {name.rpartition(".")[2]: value for name, value in trial.params.items()} or {"model": candidate.trainer.name}
    label = _label(candidate.trainer.name, params)
    is_complete = True
    with run.child(label) as child, watched(lambda done: child.log_metrics(done.as_metrics(), step=done.iteration)):
        began = time.monotonic()
        child.log_params(params)
        for step, share in enumerate(rungs):
            try:
                summary = sit(candidate, share)
            except TooLargeError as error:
                child.tag({"too_large": str(error)})
                raise
            child.log_metrics(summary, step=step)
            trial.report(_decisive(summary).mean, step)
            if step < len(rungs) - 1 and trial.should_prune():
                child.tag({"given_up": f"below the median of the others with {share:.0%} of the users"})
                is_complete = False
                break
        child.log_metrics({"seconds": time.monotonic() - began})
    return Tried(label, candidate, summary, is_complete)


def _decisive(summary: Summary) -> Estimate:
    found = summary.get(DECISIVE, 0.0)
    return found if isinstance(found, Estimate) else Estimate(found, found, found)


def _proposed(trial: Trial, models: Sequence[str], start: Candidate | None) -> Candidate:
    """What the trial says; of a start that is in no space, the start itself."""
    if start is not None and start.trainer.name not in SPACES:
        return start
    name = trial.suggest_categorical("model", models)
    half_life = trial.suggest_categorical("half_life_days", HALF_LIVES)
    trainer = SPACES[name](trial)
    return start if start is not None else Candidate(trainer, Weighting(half_life_days=half_life))


def _params(start: Candidate) -> dict[str, Any]:
    known = start.as_dict()
    own = {f"{known['model']}.{name}": value for name, value in known["parameters"].items()}
    return {"model": known["model"], "half_life_days": start.weighting.half_life_days, **own}


def _label(model: str, params: Mapping[str, Any]) -> str:
    told = {name: value for name, value in sorted(params.items()) if name != "model"}
    plain = [f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}" for name, value in told.items()]
    return " ".join([model, *plain])
