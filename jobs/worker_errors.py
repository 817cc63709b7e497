"""Errors of ours that were raised in a Python worker, found again in what Spark raises for them in the driver."""

import re
from collections.abc import Iterator

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from jobs import errors

SPARKS_OWN = (PySparkException, Py4JJavaError)
"""What Spark raises in the driver."""

_RAISED_IN_WORKER = re.compile(r"jobs\.errors\.(\w+): (.*)")


def ours(error: BaseException) -> errors.TradewindError | None:
    """The error of ours that ``error`` is, or that a worker raised and Spark wrapped, however deep; None for a stranger's."""
    if isinstance(error, errors.TradewindError):
        return error
    if not isinstance(error, SPARKS_OWN):
        return None
    return next((found for text in _messages(error) if (found := raised_in_worker(text)) is not None), None)


def raised_in_worker(trace: str) -> errors.TradewindError | None:
    """One of our own errors out of a worker's trace; None when the trace holds none."""
    for name, message in _RAISED_IN_WORKER.findall(trace):
        kind = getattr(errors, name, None)
        if isinstance(kind, type) and issubclass(kind, errors.TradewindError):
            return kind.from_text(message)
    return None


def _messages(error: BaseException) -> Iterator[str]:
    """What Spark says, outermost first. A write wraps a worker's error several times, and PySpark shows one layer of it."""
    yield str(error)
    thrown = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    while thrown is not None:
        yield str(thrown.getMessage())
        thrown = thrown.getCause()
