"""What people name a thing by: a landed file's key, an exported file's key, address or SHA-256. No Spark and no store in here."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from jobs.errors import BadDataError
from jobs.release.record import Release, ReleaseKey

_ADDRESS = re.compile(r"s3a?://(?P<bucket>[^/]+)/(?P<key>.+)")
_LANDED = re.compile(r"landing/(?P<source>[^/]+)/(?P<feed>[^/]+)/(?P<day>\d{4}-\d{2}-\d{2})/(?P<name>[^/]+)")
_EXPORTED = re.compile(r"exports/(?P<export>[^/]+)/schema=v\d+/release=(?P<release>[^/]+)(/.*)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class LandedPlace:
    """Where a landed file lies: source, feed, landing day, file name."""

    key: str
    source: str
    feed: str
    landed_date: date
    name: str

    @classmethod
    def parse(cls, text: str, bucket: str) -> Self:
        """Read a key or an ``s3://`` address in ``bucket``; raises BadDataError for anything else."""
        key = key_of(text, bucket)
        match = _LANDED.fullmatch(key)
        if match is None:
            raise BadDataError(
                text,
                expected="the key of a landed file, landing/<source>/<feed>/<day>/<file>",
                found="another text",
                advice="`python -m jobs.sql 'select distinct source_file from bronze.events'` shows the files that were read.",
            )
        try:
            day = date.fromisoformat(match["day"])
        except ValueError as error:
            raise BadDataError(
                text, expected="a day of the calendar", found=match["day"], advice="Correct the folder's day in the key."
            ) from error
        return cls(key, match["source"], match["feed"], day, match["name"])


@dataclass(frozen=True)
class ExportedPlace:
    """One exported file (or a whole export, when ``file`` is None) of one release."""

    release: Release
    export: str
    file: dict[str, Any] | None

    @property
    def record(self) -> dict[str, Any]:
        """The export as the release lists it."""
        return self.release.content.exports[self.export]


def key_of(text: str, bucket: str) -> str:
    """The object key of a key or an ``s3://`` address; raises BadDataError for an address in another bucket."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return text.lstrip("/")
    if match["bucket"] != bucket:
        raise BadDataError(
            text,
            expected=f"an address in the bucket {bucket}",
            found=f"the bucket {match['bucket']}",
            advice="Use the settings of the shop that exported it (TRADEWIND_ENV_FILE).",
        )
    return match["key"]


def is_sha256(text: str) -> bool:
    """Whether the text is a SHA-256 in hexadecimal digits."""
    return _SHA256.fullmatch(text) is not None


def release_of_key(key: str) -> ReleaseKey:
    """The release that an exported object's key names; raises BadDataError when it names none."""
    match = _EXPORTED.fullmatch(key)
    try:
        if match is not None:
            return ReleaseKey.parse(match["release"])
    except ValueError:
        pass  # said below, in the words of this command
    raise BadDataError(
        key,
        expected="the key of an exported file, exports/<name>/schema=v<N>/release=<id>/..., or its SHA-256, or a copy on this machine",
        found="another text",
        advice="`python -m jobs.release show` lists the files of the current release.",
    )


def by_key(release: Release, key: str) -> ExportedPlace:
    """The file, or the export whose folder or manifest is named, in a release; raises BadDataError when the release does not list it."""
    for name, export in release.content.exports.items():
        for file in export["files"]:
            if file["key"] == key:
                return ExportedPlace(release, name, file)
        if key.rstrip("/") + "/" == export["prefix"] or key == export["manifest"]:
            return ExportedPlace(release, name, None)
    raise BadDataError(
        key,
        expected=f"a file that release {release.id} lists",
        found="none of that key",
        advice=f"`python -m jobs.release show {release.id}` lists its files.",
    )


def by_sha256(releases: Sequence[Release], digest: str) -> list[ExportedPlace]:
    """Every exported file with that SHA-256, newest release first; raises BadDataError when no release lists one.

    A withdrawal lists the files of the release whose content it shows: such a release is no second origin and is left out.
    """
    found = list(_with_sha256(releases, digest))
    if not found:
        raise BadDataError(
            f"SHA-256 {digest}",
            expected=f"a file of one of {len(releases)} releases",
            found="none",
            advice="The file was changed after it was exported, comes from another shop, or its release was deleted.",
        )
    return found


def _with_sha256(releases: Sequence[Release], digest: str) -> Iterator[ExportedPlace]:
    for release in sorted(releases, key=lambda release: release.key, reverse=True):
        if release.is_withdrawal:
            continue
        for name, export in release.content.exports.items():
            yield from (ExportedPlace(release, name, file) for file in export["files"] if file["sha256"] == digest)
