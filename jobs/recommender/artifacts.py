"""A model as it is kept: the folder that goes to MLflow and comes back."""

import hashlib
import json
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from jobs.errors import BadDataError
from jobs.recommender import ranker as rankers
from jobs.recommender.candidate import Candidate
from jobs.recommender.models.popularity import Popularity
from jobs.recommender.ranker import Ranker

PERSONAL, POPULAR, ABOUT = "personal", "popularity", "model.json"


@dataclass(frozen=True)
class Artifacts:
    """A fitted model, what is popular at the same day, and what the model was made with.

    ``as_of_date`` is the ISO day whose end the model has seen.
    """

    personal: Ranker
    popular: Popularity
    candidate: Candidate
    as_of_date: str

    def write(self, folder: Path) -> None:
        """Fill the empty ``folder``."""
        for name, ranker in ((PERSONAL, self.personal), (POPULAR, self.popular)):
            (folder / name).mkdir()
            rankers.save(ranker, folder / name)
        about = {"kind": rankers.word_of(self.personal), "as_of_date": self.as_of_date, **self.candidate.as_dict()}
        (folder / ABOUT).write_text(json.dumps(about, indent=2, sort_keys=True), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Artifacts":
        """What ``write`` has left; raises BadDataError for a model of another form, as earlier versions wrote them."""
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if "kind" not in about:
            raise BadDataError(
                "the registered recommender",
                expected="what kind of model it is",
                found="a model of an older form",
                advice="Let popularity serve and train anew: `python -m jobs.recommender roll-back --to none --reason ...`.",
            )
        personal: Ranker = rankers.load(rankers.kind_of(about["kind"]), folder / PERSONAL)
        popular = rankers.load(Popularity, folder / POPULAR)
        return cls(personal, popular, Candidate.from_dict(about), str(about["as_of_date"]))

    def fingerprint(self) -> str:
        """SHA-256 of every array and number of the model: two trainings that end with the same figures have the same."""
        return fingerprint(self.personal)


@dataclass(frozen=True)
class ChampionModel:
    """The registered version that serves, opened."""

    version: str
    artifacts: Artifacts


def fingerprint(ranker: Any) -> str:
    """SHA-256 over the fields of a ranker, in the order of their names, members included; where files differ by a clock, this does not.

    >>> first = Popularity(pa.array(["mug"]), np.array([1.0]))
    >>> fingerprint(first) == fingerprint(Popularity(pa.array(["mug"]), np.array([1.0])))
    True
    >>> fingerprint(first) == fingerprint(Popularity(pa.array(["mug"]), np.array([2.0])))
    False
    """
    digest = hashlib.sha256()
    for field in sorted(fields(ranker), key=lambda one: one.name):
        value = getattr(ranker, field.name)
        digest.update(field.name.encode())
        if isinstance(value, sp.csr_matrix):
            for part in (value.data, value.indices, value.indptr):
                digest.update(np.ascontiguousarray(part).tobytes())
        elif isinstance(value, np.ndarray):
            digest.update(np.ascontiguousarray(value).tobytes())
        elif isinstance(value, pa.Array):
            digest.update(json.dumps(value.to_pylist()).encode())
        elif isinstance(value, tuple) and all(map(is_dataclass, value)):
            digest.update("".join(map(fingerprint, value)).encode())
        else:
            digest.update(json.dumps(value, sort_keys=True).encode())
    return digest.hexdigest()
