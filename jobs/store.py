"""The object store: the landing zone, exports and releases. Tables go through Iceberg; everything else goes through here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self, cast

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from jobs.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DELETE_BATCH = 1_000
"""Most keys that one delete request may name (S3 API)."""


@dataclass(frozen=True)
class StoredObject:
    """One object: its key, its size in bytes, when it was last written (UTC, by the store's clock)."""

    key: str
    size: int
    written_at: datetime


@dataclass(frozen=True)
class Store:
    """One bucket. Small and picklable, so that Spark tasks can carry it; the client is made where it is first used."""

    bucket: str
    endpoint: str | None
    region: str
    access_key: str | None = field(repr=False)
    secret_key: str | None = field(repr=False)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The bucket that the settings name."""
        return cls(
            bucket=settings.bucket,
            endpoint=settings.s3_endpoint,
            region=settings.s3_region,
            access_key=settings.s3_access_key.get_secret_value() if settings.s3_access_key else None,
            secret_key=settings.s3_secret_key.get_secret_value() if settings.s3_secret_key else None,
        )

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

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every object below ``prefix``, in order of its key."""
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                yield StoredObject(entry["Key"], entry["Size"], entry["LastModified"])

    def folders(self, prefix: str) -> Iterator[str]:
        """The names one level below ``prefix`` (which ends in a slash), in order, without slashes."""
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/"):
            for entry in page.get("CommonPrefixes", []):
                yield entry["Prefix"].removeprefix(prefix).rstrip("/")

    def open(self, key: str) -> IO[bytes]:
        """A stream over one object; raises ``ClientError`` when there is none."""
        return cast("IO[bytes]", self.client.get_object(Bucket=self.bucket, Key=key)["Body"])

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
        return self.client.get_object(Bucket=self.bucket, Key=key, Range=f"bytes={begin}-{end - 1}")["Body"].read()

    def write(self, key: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        """Put one small object, replacing what was there; ``content_type`` is what a browser will be told."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=content, ContentType=content_type)

    def create(self, key: str, content: bytes) -> bool:
        """Put one small object unless the key is taken; False when it is. Atomic: of two callers one wins."""
        try:
            self.client.put_object(Bucket=self.bucket, Key=key, Body=content, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] in {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}:
                return False
            raise
        return True

    def upload(self, path: Path, key: str) -> None:
        """Put a file of any size (multipart where it is large)."""
        self.client.upload_file(str(path), self.bucket, key)

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; a key that is not there is no error."""
        pending = list(keys)
        for start in range(0, len(pending), DELETE_BATCH):
            batch = pending[start : start + DELETE_BATCH]
            self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True})
