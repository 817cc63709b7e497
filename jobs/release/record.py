"""What a release is: its place in the order of releases, and what readers see together under it."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

RELEASES = "releases/"
LATEST = f"{RELEASES}latest.json"
"""A copy of the current release for people; programs take the greatest key."""

_ID = re.compile(r"(\d{4}-\d{2}-\d{2})-(\d{6})")
_KEY = re.compile(RELEASES + r"(\d{4}-\d{2}-\d{2})/(\d{6})\.json")


@dataclass(frozen=True, order=True)
class ReleaseKey:
    """Where a release stands: by day, then by sequence within the day, from 1. The greatest one is current.

    >>> ReleaseKey.parse("2026-06-30-000002") > ReleaseKey.parse("2026-06-30-000001") > ReleaseKey.parse("2026-06-29-000009")
    True
    """

    day: date
    sequence: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an id; raises ValueError when it is none."""
        return cls._matched(_ID.fullmatch(text), text)

    @classmethod
    def of_object(cls, key: str) -> Self | None:
        """Read an object key; None for whatever else lies in the folder (``latest.json``, an upload in flight)."""
        match = _KEY.fullmatch(key)
        return cls._matched(match, key) if match else None

    @classmethod
    def _matched(cls, match: re.Match[str] | None, text: str) -> Self:
        if match is None:
            message = f"{text!r} is no release id; one looks like 2026-06-30-000001"
            raise ValueError(message)
        return cls(date.fromisoformat(match[1]), int(match[2]))

    @property
    def id(self) -> str:
        """The id that people read and type."""
        return f"{self.day}-{self.sequence:06d}"

    @property
    def object_key(self) -> str:
        """The object whose existence commits the release."""
        return f"{RELEASES}{self.day}/{self.sequence:06d}.json"

    @property
    def reservation_key(self) -> str:
        """The object that keeps the number for one publisher before anything is exported."""
        return f"reservations/{self.day}/{self.sequence:06d}.json"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TableVersion(_Frozen):
    """One table at one snapshot; the id is text, as JSON numbers lose digits beyond 2**53."""

    snapshot_id: str
    content_hash: str


class SetVersion(_Frozen):
    """The set that everything of the release was computed from."""

    id: str
    tables: dict[str, TableVersion]


class Content(_Frozen):
    """What readers see together: the day, its set, the scored tables, models, exports, and what the audits found.

    A withdrawal repeats the content of an older release word for word.
    """

    day: date
    set: SetVersion
    tables: dict[str, TableVersion]
    models: dict[str, dict[str, Any]]
    exports: dict[str, dict[str, Any]]
    quality: dict[str, dict[str, int]]

    def snapshots(self) -> dict[str, int]:
        """Table name -> snapshot id, of the set and of the scored tables."""
        return {name: int(version.snapshot_id) for name, version in {**self.set.tables, **self.tables}.items()}


class Release(_Frozen):
    """One committed release. ``content_of`` and ``withdraws`` name releases; both are None for an ordinary one."""

    format: Literal[1] = 1
    id: str
    day: date
    sequence: int
    run_id: str
    attempt: int
    code_version: str
    created_at: datetime
    content_of: str | None = None
    withdraws: str | None = None
    reason: str | None = None
    content: Content

    @property
    def key(self) -> ReleaseKey:
        """Its place in the order."""
        return ReleaseKey(self.day, self.sequence)

    @property
    def is_withdrawal(self) -> bool:
        """Whether it brings back older content."""
        return self.withdraws is not None

    @property
    def origin(self) -> str:
        """Id of the release that first had this content."""
        return self.content_of or self.id

    def as_json(self) -> str:
        """The release as its object holds it."""
        return self.model_dump_json(indent=2)
