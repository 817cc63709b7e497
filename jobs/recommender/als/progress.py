"""How far a fit is: a line a half-step in the log, and a call to whoever watches."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

LOG = logging.getLogger("tradewind")


@dataclass(frozen=True)
class Progress:
    """After half a step: which iteration and side, how long it took, and the objective (None before both sides were solved once)."""

    iteration: int
    side: str
    seconds: float
    objective: float | None

    def as_metrics(self) -> dict[str, float]:
        """For a run."""
        found = {f"als_{self.side}_seconds": self.seconds}
        return found if self.objective is None else {**found, "als_objective": self.objective}


Watcher = Callable[[Progress], None]

_WATCHERS: ContextVar[tuple[Watcher, ...]] = ContextVar("watchers", default=())


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Tell ``watcher`` of each half-step of the fits in the block."""
    token = _WATCHERS.set((*_WATCHERS.get(), watcher))
    try:
        yield
    finally:
        _WATCHERS.reset(token)


def tell(progress: Progress) -> None:
    """Log a half-step and tell who watches."""
    found = "" if progress.objective is None else f", objective {progress.objective:.6g}"
    LOG.info("als: iteration %d, %s in %.1f s%s", progress.iteration, progress.side, progress.seconds, found)
    for watcher in _WATCHERS.get():
        watcher(progress)
