"""A candidate: a model of the family with its parameters, and how interactions are weighed for it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import Any

from pyspark.sql import DataFrame

from jobs.recommender import weights
from jobs.recommender.family import TRAINERS
from jobs.recommender.ranker import Ranker, Trainer
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

    def params(self) -> dict[str, object]:
        """Every parameter by name, as plain values, for a run."""
        event_weights = {f"weight_{event_type}": weight for event_type, weight in self.weighting.event_weights.items()}
        return {"model": self.trainer.name, **_parameters(self.trainer), "half_life_days": self.weighting.half_life_days, **event_weights}

    def as_dict(self) -> dict[str, Any]:
        """The same for a file and for ``from_dict``."""
        return {"model": self.trainer.name, "parameters": _parameters(self.trainer), "weighting": asdict(self.weighting)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Candidate":
        """The inverse of ``as_dict``; raises KeyError for a model that the family does not have (any more)."""
        kind = type(TRAINERS[values["model"]])
        return cls(kind(**values["parameters"]), Weighting(**values["weighting"]))


def _parameters(trainer: Trainer) -> dict[str, Any]:
    return {one.name: getattr(trainer, one.name) for one in fields(trainer) if one.name != "name"}  # type: ignore[arg-type]
