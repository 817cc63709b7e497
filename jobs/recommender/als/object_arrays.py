"""Arrays of a fit in the object store, for clusters without a folder that all machines share."""

import io
import math
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.recommender.als.store import FolderStore
from jobs.store import Store

LONGEST_HEAD = 1024
"""Bytes in which what NumPy writes before an array's own certainly ends."""

OF_EXECUTOR = "SPARK_LOCAL_DIRS"
"""What Spark tells its Python workers: folders that are deleted when the executor ends."""


@dataclass(frozen=True)
class ObjectArrays:
    """Objects below ``prefix`` (without a slash at its end). What a machine has read or written stays in a folder of it, and is mapped.

    A name is one array for ever, so that what a machine has is never out of date. An executor's folder is Spark's, and goes with it.
    """

    store: Store
    prefix: str

    @cached_property
    def _local(self) -> FolderStore:
        here = os.environ.get(OF_EXECUTOR, "").partition(",")[0] or tempfile.gettempdir()
        return FolderStore(Path(here) / "tradewind-arrays" / self.prefix.replace("/", "-"))

    def __getstate__(self) -> dict[str, Any]:
        return {"store": self.store, "prefix": self.prefix}

    def write(self, name: str, array: npt.NDArray[Any]) -> None:
        """As ``ArrayStore.write``."""
        self._local.write(name, array)
        self.store.upload(self._local.path(name), self._key(name))

    def read(self, name: str) -> npt.NDArray[Any]:
        """As ``ArrayStore.read``."""
        if not self._local.holds(name):
            content = self.store.read(self._key(name))
            if content is None:
                raise FileNotFoundError(self._key(name))
            self._local.write(name, np.load(io.BytesIO(content), allow_pickle=False))
        return self._local.read(name)

    def part(self, name: str, begin: int, end: int) -> npt.NDArray[Any]:
        """As ``ArrayStore.part``."""
        if self._local.holds(name):
            return self._local.part(name, begin, end)
        head = io.BytesIO(self.store.read_range(self._key(name), 0, LONGEST_HEAD))
        np.lib.format.read_magic(head)
        shape, _, kind = np.lib.format.read_array_header_1_0(head)
        row = kind.itemsize * math.prod(shape[1:])
        content = self.store.read_range(self._key(name), head.tell() + begin * row, head.tell() + end * row)
        return np.frombuffer(content, kind).reshape(-1, *shape[1:])

    def holds(self, name: str) -> bool:
        """As ``ArrayStore.holds``."""
        return any(found.key == self._key(name) for found in self.store.list(self._key(name)))

    def remove(self, names: Iterable[str]) -> None:
        """As ``ArrayStore.remove``; other machines keep what they have until the fit is over."""
        known = list(names)
        self._local.remove(known)
        self.store.delete(map(self._key, known))

    def clear(self) -> None:
        """As ``ArrayStore.clear``, here and in the store."""
        self._local.clear()
        self.store.delete(found.key for found in self.store.list(f"{self.prefix}/"))

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}.npy"
