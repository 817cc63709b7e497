"""The object store: the landing zone, exports and releases. Tables go through Iceberg; everything else goes through here.

What readers are given may lie in a bucket of its own, with keys of its own: who calls names an object by its key and need not know.
"""

import heapq
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self, cast

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from pydantic import SecretStr

from jobs.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DELETE_BATCH = 1_000
"""Most keys that one delete request may name (S3 API)."""

EXPORTED = ("exports/", "pages/", "releases/", "reservations/")
"""Beginnings of the keys that lie in the bucket of exports where a deployment has one."""


@dataclass(frozen=True)
class StoredObject:
    """One object: its key, its size in bytes, when it was last written (UTC, by the store's clock)."""

    key: str
    size: int
    written_at: datetime


@dataclass(frozen=True)
class Store:
    """A shop's bucket, and the one of its ``exports`` where that is another; who asks by key gets the right one.

    Small and picklable, so that Spark tasks can carry it; the client is made where it is first used.
    """

    bucket: str
    endpoint: str | None
    region: str
    access_key: str | None = field(repr=False)
    secret_key: str | None = field(repr=False)
    exports: Self | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The bucket or buckets that the settings name."""
        own = (settings.bucket, settings.s3_access_key, settings.s3_secret_key)
        given = settings.export_s3_access_key or settings.s3_access_key, settings.export_s3_secret_key or settings.s3_secret_key
        for_exports = (settings.bucket_of_exports, *given)
        exports = None if for_exports == own else cls._one(settings, *for_exports)
        return cls._one(settings, *own, exports=exports)

    @classmethod
    def _one(cls, settings: Settings, bucket: str, *keys: SecretStr | None, exports: Self | None = None) -> Self:
        access_key, secret_key = (key.get_secret_value() if key else None for key in keys)
        return cls(bucket, settings.s3_endpoint, settings.s3_region, access_key, secret_key, exports)

    def of(self, key: str) -> "Store":
        """The bucket in which a key, or what begins with it, lies."""
        return self.exports if self.exports is not None and key.startswith(EXPORTED) else self

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "client"}

    @cached_property
    def client(self) -> "S3Client":
        """The boto3 client: path-style addresses, ten standard-mode attempts a request."""
        config = Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "total_max_attempts": 10})
        client: S3Client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=config,
        )
        return client

    def knock(self) -> None:
        """Ask for one key, whatever it is: raises boto3's error when the store is not there, refuses the login, or has no such bucket."""
        self.client.list_objects_v2(Bucket=self.bucket, MaxKeys=1)  # HEAD would be refused without a reason
        if self.exports is not None:
            self.exports.knock()

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every object below ``prefix``, in order of its key."""
        places = {self.of(key).bucket: self.of(key) for key in (*EXPORTED, prefix) if key.startswith(prefix)}
        yield from heapq.merge(*(_listed(place, prefix) for place in places.values()), key=attrgetter("key"))

    def folders(self, prefix: str) -> Iterator[str]:
        """The names one level below ``prefix`` (which ends in a slash), in order, without slashes."""
        place = self.of(prefix)
        for page in place.client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=prefix, Delimiter="/"):
            for entry in page.get("CommonPrefixes", []):
                yield entry["Prefix"].removeprefix(prefix).rstrip("/")

    def open(self, key: str) -> IO[bytes]:
        """A stream over one object; raises ``ClientError`` when there is none."""
        place = self.of(key)
        return cast("IO[bytes]", place.client.get_object(Bucket=place.bucket, Key=key)["Body"])

    def read(self, key: str) -> bytes | None:
        """One small object whole, or None when there is none."""
        try:
            with self.open(key) as stream:
                return stream.read()
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                return None
            raise

    def read_range(self, key: str, begin: int, end: int) -> bytes:
        """The bytes ``begin <= byte < end`` of an object, as many of them as there are; raises ``ClientError`` when there is none."""
        if begin >= end:
            return b""
        place = self.of(key)
        return place.client.get_object(Bucket=place.bucket, Key=key, Range=f"bytes={begin}-{end - 1}")["Body"].read()

    def write(self, key: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        """Put one small object, replacing what was there; ``content_type`` is what a browser will be told."""
        place = self.of(key)
        place.client.put_object(Bucket=place.bucket, Key=key, Body=content, ContentType=content_type)

    def create(self, key: str, content: bytes) -> bool:
        """Put one small object unless the key is taken; False when it is. Atomic: of two callers one wins."""
        place = self.of(key)
        try:
            place.client.put_object(Bucket=place.bucket, Key=key, Body=content, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] in {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}:
                return False
            raise
        return True

    def upload(self, path: Path, key: str) -> None:
        """Put a file of any size (multipart where it is large)."""
        place = self.of(key)
        place.client.upload_file(str(path), place.bucket, key)

    def upload_bytes(self, content: bytes, key: str) -> None:
        """Put what is in memory, of any size (multipart where it is large)."""
        place = self.of(key)
        place.client.upload_fileobj(io.BytesIO(content), place.bucket, key)

    def download(self, key: str, path: Path) -> None:
        """Write an object of any size to a file; raises ``ClientError`` when there is none."""
        place = self.of(key)
        place.client.download_file(place.bucket, key, str(path))

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; a key that is not there is no error."""
        pending = list(keys)
        for place in (self, *([self.exports] if self.exports else ())):
            mine = [key for key in pending if self.of(key) is place]
            for start in range(0, len(mine), DELETE_BATCH):
                batch = mine[start : start + DELETE_BATCH]
                place.client.delete_objects(Bucket=place.bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True})


def _listed(place: Store, prefix: str) -> Iterator[StoredObject]:
    for page in place.client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            yield StoredObject(entry["Key"], entry["Size"], entry["LastModified"])
