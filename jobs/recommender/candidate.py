"""A candidate: a model of the family with its parameters, and how interactions are weighed for it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from datetime import date
from typing import Any

from pyspark.sql import DataFrame

from jobs.recommender import weights
from jobs.recommender.family import TRAINERS
from jobs.recommender.ranker import Continuing, Ranker, Trainer
from jobs.recommender.weights import Weighting


@dataclass(frozen=True)
class Candidate:
    """Everything that a fit depends on besides the data."""

    trainer: Trainer
    weighting: Weighting = field(default=Weighting(half_life_days=14.0))

    def signals(self, interactions: DataFrame, as_of: date) -> DataFrame:
        """What it learns from, and is asked with: ``SIGNALS_FRAME`` of the interactions up to the end of ``as_of``."""
        return weights.signals(interactions, self.weighting, as_of)

    def fit(self, interactions: DataFrame, as_of: date) -> Ranker:
        """Learn from the interactions up to the end of ``as_of``."""
        return self.trainer.fit(self.signals(interactions, as_of))

    def fit_from(self, interactions: DataFrame, as_of: date, before: Ranker | None) -> Ranker:
        """The same, beginning where ``before`` has ended if the model can."""
        signals = self.signals(interactions, as_of)
        if before is not None and isinstance(self.trainer, Continuing):
            return self.trainer.fit_from(signals, before)
        return self.trainer.fit(signals)

    def params(self) -> dict[str, object]:
        """Every parameter by name, as plain values, for a run."""
        event_weights = {f"weight_{event_type}": weight for event_type, weight in self.weighting.event_weights.items()}
        own = {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in _parameters(self.trainer).items()}
        return {"model": self.trainer.name, **own, "half_life_days": self.weighting.half_life_days, **event_weights}

    def as_dict(self) -> dict[str, Any]:
        """The same for a file and for ``from_dict``."""
        return {"model": self.trainer.name, "parameters": _parameters(self.trainer), "weighting": asdict(self.weighting)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Candidate":
        """The inverse of ``as_dict``; raises KeyError for a model that the family does not have (any more)."""
        return cls(_trainer(values), Weighting(**values["weighting"]))


def _parameters(trainer: Trainer) -> dict[str, Any]:
    return {one.name: _plain(getattr(trainer, one.name)) for one in fields(trainer) if one.name != "name"}  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    """A parameter for JSON: members of a model as models with parameters, groups of parameters by name."""
    if isinstance(value, tuple):
        return [{"model": member.name, "parameters": _parameters(member)} for member in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _trainer(values: Mapping[str, Any]) -> Trainer:
    usual = TRAINERS[values["model"]]
    return type(usual)(**{name: _as_given(value, getattr(usual, name)) for name, value in values["parameters"].items()})


def _as_given(value: Any, usual: Any) -> Any:
    """The inverse of ``_plain``; ``usual`` is what the model has by default, and says of what kind the parameter is."""
    if isinstance(usual, tuple):
        return tuple(_trainer(member) for member in value)
    return type(usual)(**value) if is_dataclass(usual) and not isinstance(usual, type) else value
