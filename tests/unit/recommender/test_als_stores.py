"""Claims about the stores of a fit's arrays: whole or not at all, seen by other machines, gone when cleared."""

import errno
import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from pyspark import SparkContext

from jobs.recommender.als.fit import alternate
from jobs.recommender.als.object_arrays import ObjectArrays
from jobs.recommender.als.place import SHARED, place_of
from jobs.recommender.als.store import ArrayStore, FolderStore
from jobs.store import Store, StoredObject
from tests.unit.recommender.test_als_iterations import PAIRS, SETTINGS, built, here

OBJECTS: dict[str, bytes] = {}


@dataclass(frozen=True)
class Kept(Store):
    """A bucket in memory; the same for all who name it."""

    bucket: str = "b"
    endpoint: str | None = None
    region: str = "r"
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        yield from [StoredObject(key, 1, datetime(2026, 6, 1, tzinfo=UTC)) for key in sorted(OBJECTS) if key.startswith(prefix)]

    def read(self, key: str) -> bytes | None:
        return OBJECTS.get(key)

    def upload(self, path: Path, key: str) -> None:
        OBJECTS[key] = path.read_bytes()

    def delete(self, keys: Iterable[str]) -> None:
        for key in list(keys):
            OBJECTS.pop(key, None)


@pytest.fixture(params=["folder", "objects"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArrayStore:
    OBJECTS.clear()
    monkeypatch.delenv("SPARK_LOCAL_DIRS", raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "one machine"))
    return FolderStore(tmp_path / "shared") if request.param == "folder" else ObjectArrays(Kept(), "scratch/als/f")


def test_what_is_written_is_read_by_another_machine_and_gone_when_removed(
    store: ArrayStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("items-0000-factors-1", np.arange(6, dtype=np.float32).reshape(2, 3))
    store.write("items-0000-factors-10", np.zeros(1))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "another machine"))
    there: ArrayStore = pickle.loads(pickle.dumps(store))  # noqa: S301
    assert there.holds("items-0000-factors-1")
    assert not there.holds("items-0000-factors")
    assert there.read("items-0000-factors-1").tolist() == [[0, 1, 2], [3, 4, 5]]
    assert not there.read("items-0000-factors-1").flags.writeable
    there.remove(["items-0000-factors-1", "never there"])
    assert [there.holds(f"items-0000-factors-{n}") for n in (1, 10)] == [False, True]
    there.clear()
    assert not there.holds("items-0000-factors-10")
    with pytest.raises(FileNotFoundError):
        there.read("items-0000-factors-10")


def test_a_write_that_fails_leaves_what_was_there(store: ArrayStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("state", np.ones(2))

    def half(*_: object, **__: object) -> None:
        message = "full"
        raise OSError(message)

    monkeypatch.setattr(np, "save", half)
    with pytest.raises(OSError, match="full"):
        store.write("state", np.zeros(2))
    monkeypatch.undo()
    assert store.read("state").tolist() == [1, 1]


@pytest.mark.parametrize("checkpoints", [None, "hdfs://cluster/checkpoints"])
def test_without_a_folder_that_all_machines_mount_a_fit_lies_in_the_shops_bucket(checkpoints: str | None) -> None:
    context = cast("SparkContext", SimpleNamespace(getCheckpointDir=lambda: checkpoints))
    with pytest.raises(ValueError, match="none that it can write to"):
        place_of(context, "a fit")
    token = SHARED.set(partial(ObjectArrays, Kept()))
    try:
        found, again, other = place_of(context, "a fit"), place_of(context, "a fit"), place_of(context, "another")
    finally:
        SHARED.reset(token)
    assert isinstance(found, ObjectArrays)
    assert found.prefix.startswith("scratch/als/")
    assert found == again != other


@pytest.mark.parametrize("written", range(6))
def test_a_build_that_dies_and_is_done_again_elsewhere_in_another_order_changes_no_bit(
    written: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    OBJECTS.clear()
    monkeypatch.delenv("SPARK_LOCAL_DIRS", raising=False)
    whole = alternate(here, built(FolderStore(tmp_path / "undisturbed"), PAIRS), SETTINGS, FolderStore(tmp_path / "undisturbed"))
    uploads = list[str]()

    def upload(_: Kept, path: Path, key: str) -> None:
        uploads.append(key)
        if len(uploads) == written + 1:
            raise OSError(errno.ECONNRESET, "the machine is gone")
        OBJECTS[key] = path.read_bytes()

    monkeypatch.setattr(Kept, "upload", upload)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "one machine"))
    with pytest.raises(OSError, match="gone"):
        built(ObjectArrays(Kept(), "scratch/als/f"), PAIRS)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "another machine"))
    known = built(ObjectArrays(Kept(), "scratch/als/f"), PAIRS[::-1])
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "one machine"))
    assert alternate(here, known, SETTINGS, ObjectArrays(Kept(), "scratch/als/f")).factors.tobytes() == whole.factors.tobytes()
