"""Where the tasks of a fit leave arrays for each other."""

import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


class ArrayStore(Protocol):
    """Named arrays that the driver and every task see. Picklable; a name is written whole or not at all, so that retries are harmless."""

    def write(self, name: str, array: npt.NDArray[Any]) -> None:
        """Keep an array, instead of what had its name."""
        ...

    def read(self, name: str) -> npt.NDArray[Any]:
        """The array of that name, not to be written to; raises FileNotFoundError when there is none."""
        ...

    def part(self, name: str, begin: int, end: int) -> npt.NDArray[Any]:
        """The rows ``begin <= row < end`` of it; nothing else is fetched."""
        ...

    def holds(self, name: str) -> bool:
        """Whether there is one."""
        ...

    def remove(self, names: Iterable[str]) -> None:
        """Forget arrays; a name that is not there is no error."""
        ...

    def clear(self) -> None:
        """Forget all arrays, and the place."""
        ...


@dataclass(frozen=True)
class FolderStore:
    """A folder that driver and tasks share: of this machine, or mounted on all of a cluster. Arrays are mapped, not read."""

    folder: Path

    def write(self, name: str, array: npt.NDArray[Any]) -> None:
        """As ``ArrayStore.write``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / f"{name}.{uuid.uuid4().hex}"
        with unfinished.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        unfinished.replace(self.path(name))

    def read(self, name: str) -> npt.NDArray[Any]:
        """As ``ArrayStore.read``."""
        found: npt.NDArray[Any] = np.load(self.path(name), mmap_mode="r", allow_pickle=False)
        return found.view(np.ndarray)

    def part(self, name: str, begin: int, end: int) -> npt.NDArray[Any]:
        """As ``ArrayStore.part``."""
        return self.read(name)[begin:end]

    def holds(self, name: str) -> bool:
        """As ``ArrayStore.holds``."""
        return self.path(name).exists()

    def remove(self, names: Iterable[str]) -> None:
        """As ``ArrayStore.remove``."""
        for name in names:
            self.path(name).unlink(missing_ok=True)

    def clear(self) -> None:
        """As ``ArrayStore.clear``."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name: str) -> Path:
        """Where an array lies."""
        return self.folder / f"{name}.npy"
