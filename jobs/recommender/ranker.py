"""What a fitted model is: arrays about items, and from a user's history to a score for each of them.

A user is known by the history alone, so nothing that a model keeps grows with the users, somebody who came after the training is served
like everybody else, and every model is saved, loaded and scored by the same code (ADR 7).
"""

import importlib
import json
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp
from pyspark.sql import DataFrame

from jobs.recommender.histories import Histories

Scores = npt.NDArray[np.float64]
"""Users x items; ``NOTHING`` where a model has no opinion."""

NOTHING = -np.inf
R = TypeVar("R")

ARRAYS, ABOUT = "arrays.npz", "model.json"
KINDS = "kinds"
MODELS = "jobs.recommender.models."


class Ranker(Protocol):
    """A fitted model. A frozen dataclass whose fields are arrays, sparse matrices, plain values, and tuples of other rankers."""

    @property
    def name(self) -> str:
        """Which model this is, as in slates, MLflow and documents."""
        ...

    @property
    def item_ids(self) -> pa.Array:
        """The items that it knows, in the order of their ids."""
        ...

    def scores(self, histories: Histories) -> Scores:
        """A score for each user of the block and each known item, ``NOTHING`` where it has no opinion; a user's order is what counts."""
        ...


@runtime_checkable
class Explaining(Protocol):
    """A ranker whose scores are sums over the history."""

    def contributions(self, histories: Histories, row: int, positions: npt.NDArray[np.int64]) -> Scores:
        """What each entry of the user's history adds to the score of each of ``positions``: positions x entries; rows sum to the scores."""
        ...


@runtime_checkable
class Delegating(Protocol):
    """A ranker whose scores are no sums, and which lets another speak for each item."""

    def advocates(self, histories: Histories, row: int, positions: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Scores]:
        """Of each of ``positions`` which of its members speaks for it (-1: none), and what the history contributes to *its* score.

        The contributions are those of ``Explaining``, positions x entries: they say how the item came up, not what this ranker made of it.
        """
        ...


class Trainer(Protocol):
    """A model with its parameters, before it has seen anything. Frozen; ``name`` is that of its rankers."""

    @property
    def name(self) -> str:
        """Which model this is."""
        ...

    def fit(self, signals: DataFrame) -> Ranker:
        """Learn from ``SIGNALS_FRAME``; the same rows give the same ranker, in any order and on any number of partitions.

        No rows give a ranker that knows no item. Raises TooLargeError, before anything is computed, where the model is not meant for so
        much.
        """
        ...


@runtime_checkable
class Continuing(Protocol):
    """A trainer that can begin where an earlier fit has ended."""

    def fit_from(self, signals: DataFrame, before: Ranker) -> Ranker:
        """As ``fit``, sooner: beginning with what ``before`` has found, where it is a ranker of this trainer's shape."""
        ...


@dataclass(frozen=True)
class SimilarItems:
    """Mixin of rankers with a matrix of similarities between items: ``similarities`` (items x items), a row what its item speaks for."""

    item_ids: pa.Array
    similarities: sp.csr_matrix

    def contributions(self, histories: Histories, row: int, positions: npt.NDArray[np.int64]) -> Scores:
        """As ``Explaining.contributions``: weight of the entry times similarity."""
        own = histories.of(row)
        found: Scores = self.similarities[histories.positions[own]][:, positions].toarray().T * histories.weights[own]
        return found

    def similar_items(self, item_id: str, k: int) -> list[tuple[str, float]]:
        """Up to ``k`` items with their similarity, the nearest first, ties in the order of the ids; nothing for an unknown item."""
        found = np.flatnonzero(np.asarray(self.item_ids.to_pylist(), dtype=object) == item_id)
        if not len(found):
            return []
        row = self.similarities.getrow(int(found[0]))
        order = np.lexsort((row.indices, -row.data))[:k]
        return [(self.item_ids[int(row.indices[place])].as_py(), float(row.data[place])) for place in order]


def nearest(item_ids: pa.Array, vectors: npt.NDArray[np.float32], item_id: str, k: int) -> list[tuple[str, float]]:
    """Up to ``k`` other items by the cosine of their vectors, ties in the order of the ids; nothing for an unknown item."""
    place = item_ids.index(item_id).as_py()
    if place < 0:
        return []
    norms = np.linalg.norm(vectors, axis=1)
    cosines = np.round(vectors @ vectors[place] / np.maximum(norms * norms[place], 1e-12), 6)
    cosines[place] = NOTHING
    order = np.lexsort((np.arange(len(cosines)), -cosines))[: min(k, len(cosines) - 1)]
    return [(item_ids[int(at)].as_py(), float(cosines[at])) for at in order]


def save(ranker: Any, folder: Path) -> None:
    """Write a ranker into a folder: its arrays and, as JSON, what is no array; its members into folders below.

    The same ranker gives the same bytes but for zip's clock.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    plain: dict[str, Any] = {}
    for field in fields(ranker):
        value = getattr(ranker, field.name)
        if isinstance(value, sp.csr_matrix):
            arrays |= {f"{field.name}.{part}": getattr(value, part) for part in ("data", "indices", "indptr")}
            arrays[f"{field.name}.shape"] = np.asarray(value.shape)
        elif isinstance(value, pa.Array):
            arrays[field.name] = np.asarray(value.to_pylist(), dtype=np.str_)
        elif isinstance(value, np.ndarray):
            arrays[field.name] = value
        elif isinstance(value, tuple) and all(map(is_dataclass, value)):
            plain[field.name] = {KINDS: [_save_member(member, folder / f"{field.name}.{place}") for place, member in enumerate(value)]}
        else:
            plain[field.name] = value
    np.savez(folder / ARRAYS, **arrays)  # type: ignore[arg-type]
    (folder / ABOUT).write_text(json.dumps(plain, sort_keys=True), encoding="utf-8")


def _save_member(member: Any, folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    save(member, folder)
    return word_of(member)


def word_of(ranker: Any) -> str:
    """What kind of ranker this is, in a word that ``kind_of`` understands."""
    return f"{type(ranker).__module__}:{type(ranker).__qualname__}"


def load(kind: type[R], folder: Path) -> R:
    """Read what ``save`` has written; pickles are refused, and so are members that are none of this package's models."""
    values: dict[str, Any] = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    for name, value in values.items():
        if isinstance(value, dict):
            values[name] = tuple(load(kind_of(word), folder / f"{name}.{place}") for place, word in enumerate(value[KINDS]))
    with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
        for name in {key.partition(".")[0] for key in arrays.files}:
            if f"{name}.shape" in arrays.files:
                parts = tuple(arrays[f"{name}.{part}"] for part in ("data", "indices", "indptr"))
                values[name] = sp.csr_matrix(parts, shape=tuple(arrays[f"{name}.shape"]))
            elif arrays[name].dtype.kind == "U":
                values[name] = pa.array(arrays[name].tolist(), pa.string())
            else:
                values[name] = arrays[name]
    return kind(**values)


def kind_of(word: str) -> type[Any]:
    """The class that ``word_of`` has named; raises ValueError unless it is a model of this package."""
    module, _, name = word.partition(":")
    found = getattr(importlib.import_module(module), name, None) if module.startswith(MODELS) else None
    if not (isinstance(found, type) and is_dataclass(found)):
        message = f"a member of a saved ranker: expected a class below {MODELS}, found {word}"
        raise ValueError(message)
    return found
