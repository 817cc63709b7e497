"""Where a fit keeps its arrays: the same place for every attempt at the same fit, so that a retry finds what was done."""

import hashlib
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from urllib.parse import urlparse

from pyspark import SparkContext

from jobs.recommender.als.store import ArrayStore, FolderStore

FORMAT = 2
"""Part of every place: raise it when arrays change their meaning, so that no retry reads those of the code before."""

SHARED: ContextVar[Callable[[str], ArrayStore] | None] = ContextVar("shared", default=None)
"""Makes the store of a prefix that all machines of a cluster see; set by who knows one (``context.Context``)."""


def place_of(context: SparkContext, *what: object) -> ArrayStore:
    """The store of the fit that ``what`` tells from all others.

    A folder beside the session's checkpoints where these lie in a file system that is mounted (``file:``), else a prefix of ``SHARED``.
    Raises ValueError where there is neither.
    """
    told = hashlib.sha256(repr((FORMAT, *what)).encode()).hexdigest()[:20]
    checkpoints = urlparse(context.getCheckpointDir() or "none:")
    if checkpoints.scheme in {"", "file"}:
        return FolderStore(Path(checkpoints.path).parent / "als" / told)
    shared = SHARED.get()
    if shared is None:
        message = f"ALS keeps its arrays beside the session's checkpoints, and there are none that it can write to: {checkpoints.geturl()}"
        raise ValueError(message)
    return shared(f"scratch/als/{told}")
