"""Mutants on their way in: landed by ``jobs.land`` or delivered by the shop itself, read as bronze reads, each under a watchdog."""

import gzip
import hashlib
import re
import shutil
import signal
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from random import Random
from typing import IO, Any, Literal, TypeVar

from jobs.bronze.lines import verified_lines
from jobs.errors import EXIT_BAD_DATA, TradewindError
from jobs.interval import Interval
from jobs.land import Landed, land
from jobs.landing import LandedFile, Marker, PlacedFile, folder, landed_files, text_of, write_marker
from jobs.store import Store, StoredObject
from tests.mutations.bases import BASES, Base
from tests.mutations.kinds import MUTATIONS

Route = Literal["landed", "delivered"]
"""``landed``: a file that ``jobs.land`` splits. ``delivered``: a file that the shop puts into the landing zone with its marker."""

ROUTES: tuple[Route, ...] = ("landed", "delivered")
SECONDS_PER_FILE = 120
"""A file that takes longer hangs; ordinary ones take milliseconds."""
PAIR_SHARE = 0.25
"""Share of mutants with two mutations, once each kind has been there by itself."""

Value = TypeVar("Value")


class HangError(Exception):
    """The watchdog's bark."""


class FolderStore(Store):
    """The object store as a folder (``bucket`` is its path): what landing needs, without a service, for a thousand files."""

    @classmethod
    def at(cls, place: Path) -> "FolderStore":
        """The store in a folder, which is made."""
        place.mkdir(parents=True, exist_ok=True)
        return cls(bucket=str(place), endpoint=None, region="", access_key=None, secret_key=None)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every file below a prefix that ends in a slash, in order."""
        root = Path(self.bucket)
        for path in sorted(path for path in (root / prefix).rglob("*") if path.is_file()):
            written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            yield StoredObject(str(path.relative_to(root)), path.stat().st_size, written_at)

    def open(self, key: str) -> IO[bytes]:
        """A stream over one file."""
        return (Path(self.bucket) / key).open("rb")

    def read(self, key: str) -> bytes | None:
        """One file whole, or None when there is none."""
        path = Path(self.bucket) / key
        return path.read_bytes() if path.exists() else None

    def write(self, key: str, content: bytes, content_type: str = "") -> None:  # noqa: ARG002  (a folder knows no types)
        """Put one file."""
        path = Path(self.bucket) / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def upload(self, path: Path, key: str) -> None:
        """Put a copy of a file."""
        self.write(key, path.read_bytes())

    def delete(self, keys: Any) -> None:
        """Delete files."""
        for key in list(keys):
            (Path(self.bucket) / key).unlink(missing_ok=True)


@dataclass(frozen=True)
class Mutant:
    """One broken file: the base it was made of, and the kinds, in the order in which they were applied."""

    number: int
    base: Base
    kinds: tuple[str, ...]
    seed: int

    @cached_property
    def content(self) -> bytes:
        """The bytes; the same for the same number, kinds and seed."""
        chance = Random(f"{self.seed}/{self.number}")  # noqa: S311 - a seed makes mutations, not secrets
        content = self.base.content(self.number)
        for kind in self.kinds:
            content = MUTATIONS[kind].change(content, chance)
        return content

    def __str__(self) -> str:
        return f"mutant {self.number} of {self.base.source_name}.{self.base.feed_name}: {' + '.join(self.kinds)}"


def mutants(count: int, seed: int) -> tuple[Mutant, ...]:
    """``count`` mutants: kinds take turns, bases come by chance, and a share of the later ones have a second kind."""
    chance = Random(seed)  # noqa: S311
    made: list[Mutant] = []
    for round_ in range(count):
        names = sorted(MUTATIONS)
        kind = MUTATIONS[names[round_ % len(names)]]
        base = chance.choice([base for base in BASES if base.format in kind.formats])
        kinds = [kind]
        if round_ >= len(names) and chance.random() < PAIR_SHARE:
            others = [other for other in MUTATIONS.values() if base.format in other.formats and other.name != kind.name]
            kinds.append(chance.choice(others))
        made.append(Mutant(round_, base, tuple(k.name for k in sorted(kinds, key=lambda k: (k.order, k.name))), seed))
    return tuple(made)


@dataclass(frozen=True)
class Delivery:
    """What became of a mutant on one route. ``error`` is None, or the message of a typed error; ``broken`` says which promise broke."""

    mutant: Mutant
    route: Route
    files: tuple[PlacedFile, ...] = ()
    lines: int = 0
    error: str | None = None
    broken: str | None = None


def deliver(mutant: Mutant, route: Route, collected: Path, scratch: Path) -> Delivery:
    """Bring one mutant in; its readable files are copied to ``collected``, whose keys are those of ``Delivery.files``.

    Lines are counted by hand, and each must have come through as it was.
    """
    place = scratch / f"{mutant.number}-{route}"
    store = FolderStore.at(place / "bucket")
    _ = mutant.content  # made outside the guard: a fault of the harness is none of the code under test
    bring = _landed if route == "landed" else _delivered
    files, error, broken = _guarded(lambda: bring(mutant, store, place))
    delivery = Delivery(mutant, route, error=error, broken=broken)
    if files is not None:
        delivery = _read(delivery, files, store, collected)
    shutil.rmtree(place)
    return delivery


def _guarded(work: Callable[[], Value]) -> tuple[Value | None, str | None, str | None]:
    """The result; or the message of a typed error of exit code 65; or what is wrong with how it failed."""
    try:
        with _watchdog(SECONDS_PER_FILE):
            return work(), None, None
    except TradewindError as error:
        if error.exit_code != EXIT_BAD_DATA or not all((error.subject, error.expected, error.found, error.advice)):
            return None, None, f"an error without its parts: {error!r}"
        return None, str(error), None
    except HangError:
        return None, None, f"a hang of {SECONDS_PER_FILE} seconds"
    except Exception as error:  # noqa: BLE001 - whatever else a file may raise is what this looks for
        return None, None, f"a bare {type(error).__name__}: {str(error)[:300]}"


@contextmanager
def _watchdog(seconds: int) -> Iterator[None]:
    def bark(*_: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, bark)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _landed(mutant: Mutant, store: Store, place: Path) -> tuple[PlacedFile, ...]:
    base, inbox = mutant.base, place / "inbox"
    inbox.mkdir()
    (inbox / base.file_name).write_bytes(mutant.content)
    if base.source_name == "synthetic" and base.feed_name != "events":  # a day of this source may not be without events
        (inbox / BASES[0].file_name).write_bytes(BASES[0].content(mutant.number))
    done: Landed = land(store, base.source, inbox, report=lambda _: None)
    lines = lines_by_hand(mutant.content, has_header=base.has_header)
    if done.rows[base.feed_name] + done.rows_outside != len(lines):
        raise AssertionError(f"{len(lines)} lines in the file, {done.rows[base.feed_name]} landed")
    days = Interval(done.first, date.fromordinal(done.last.toordinal() + 1))
    return landed_files(store, base.source, base.feed_name, days)


def _delivered(mutant: Mutant, store: Store, _place: Path) -> tuple[PlacedFile, ...]:
    base, content = mutant.base, mutant.content
    try:
        rows = len(lines_by_hand(content, has_header=base.has_header))
    except (OSError, EOFError, zlib.error):
        rows = 8  # what the shop meant to send
    file = LandedFile(base.file_name, rows, len(content), hashlib.sha256(content).hexdigest())
    store.write(folder(base.source_name, base.feed_name, base.day) + file.name, content)
    write_marker(store, Marker(base.source_name, base.feed_name, base.day, rows, (file,)))
    return landed_files(store, base.source, base.feed_name, Interval(base.day, date.fromordinal(base.day.toordinal() + 1)))


def _read(delivery: Delivery, files: Sequence[PlacedFile], store: Store, collected: Path) -> Delivery:
    """Read the files as bronze does; those that can be read lie in ``collected`` afterwards, under names of their own."""
    base = delivery.mutant.base

    def read() -> list[str]:
        return [line for file in files for _, lines in verified_lines(store, base.feed, file) for line in lines.to_pylist()]

    lines, error, broken = _guarded(read)
    if lines is None:
        return replace(delivery, error=error, broken=broken)
    try:
        wanted = Counter(text_of(line) for line in lines_by_hand(delivery.mutant.content, has_header=base.has_header))
    except (OSError, EOFError, zlib.error) as error_by_hand:
        return replace(delivery, broken=f"read although no archive: {error_by_hand}")
    if Counter(lines) != wanted:
        return replace(delivery, broken=f"{len(lines)} lines read, {sum(wanted.values())} lines in the file, not the same ones")
    target = FolderStore.at(collected)
    placed = []
    for file in files:
        name = f"{delivery.mutant.number:05d}-{delivery.route}-{Path(file.key).name}"
        key = folder(base.source_name, base.feed_name, file.landed_date) + name
        target.write(key, store.read(file.key) or b"")
        placed.append(replace(file, key=key))
    return replace(delivery, files=tuple(placed), lines=len(lines))


def lines_by_hand(content: bytes, *, has_header: bool) -> list[bytes]:
    """The data lines of a file, counted without the code under test; raises what ``gzip`` raises."""
    plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    lines = plain.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [re.sub(rb"^(\xef\xbb\xbf)+|\r+$", b"", line) for line in lines[1 if has_header else 0 :]]
