"""S3Proxy's logins and settings; ``python -m stack.s3proxy`` sweeps what a kill left, then becomes the server. Standard library only.

S3Proxy knows no policies. It serves several logins, each with a folder of buckets of its own: so whoever holds the keys of one door sees
nothing of what lies behind another.
"""

import argparse
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

BUCKET, EXPORT_BUCKET, MODEL_BUCKET = "tradewind", "tradewind-exports", "tradewind-models"
"""Landing zone and lake; exports, releases and pages; MLflow's artefacts."""

LAKE, EXPORTS, EXPORT_READER, MODELS = "lake", "exports", "export_reader", "models"
"""Who has keys: the jobs for the landing zone and the lake, the jobs for what is exported, who reads that, MLflow."""

JVM_OPTIONS = ("-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Two cores have better things to do than to optimise a server that waits for its disk."""
MD5_ATTRIBUTE = "user.user.content-md5"
IN_FLIGHT = re.compile(r"-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")


@dataclass(frozen=True)
class Door:
    """What one login reaches: the buckets of ``folder``, of which ``bucket`` is made for it."""

    role: str
    folder: str
    bucket: str
    is_read_only: bool = False

    def properties(self, access_key: str, secret_key: str, *, endpoint: str, objects: Path) -> str:
        """S3Proxy's settings for this login.

        A bucket with one login is that login's alone, so that others are refused instead of being told that it is not there.
        """
        lines = {
            "s3proxy.authorization": "aws-v2-or-v4",
            "s3proxy.identity": access_key,
            "s3proxy.credential": secret_key,
            "s3proxy.endpoint": endpoint,
            "s3proxy.v4-max-non-chunked-request-size": str(512 << 20),
            "jclouds.provider": "filesystem",
            "jclouds.filesystem.basedir": str(objects / self.folder),
        }
        if self.is_read_only:
            lines["s3proxy.read-only-blobstore"] = "true"
        if [door.folder for door in DOORS].count(self.folder) == 1:
            lines["s3proxy.bucket-locator.1"] = self.bucket
        return "".join(f"{name}={value}\n" for name, value in lines.items())


DOORS = (
    Door(LAKE, "lake", BUCKET),
    Door(EXPORTS, "exports", EXPORT_BUCKET),
    Door(EXPORT_READER, "exports", EXPORT_BUCKET, is_read_only=True),
    Door(MODELS, "models", MODEL_BUCKET),
)


def make_buckets(objects: Path) -> None:
    """Make the buckets that are not there: S3Proxy's buckets are folders."""
    for door in DOORS:
        (objects / door.folder / door.bucket).mkdir(parents=True, exist_ok=True)


def stale_uploads(objects: Path) -> Iterator[Path]:
    """Files of uploads that were cut off: named ``<key>-<uuid>``, without the checksum that a finished object carries."""
    for path in objects.rglob("*"):
        if IN_FLIGHT.search(path.name) and path.is_file() and MD5_ATTRIBUTE not in os.listxattr(path):
            yield path


def serve(java: Path, jar: Path, objects: Path, properties: Sequence[Path]) -> NoReturn:
    """Make the buckets, sweep, then replace this process by the server; ``properties`` are the settings of its logins, a file each."""
    make_buckets(objects)
    stale = list(stale_uploads(objects))
    for path in stale:
        path.unlink()
    print(f"swept {len(stale)} cut-off uploads", flush=True)
    settings = [word for file in properties for word in ("--properties", str(file))]
    os.execv(str(java), [str(java), *JVM_OPTIONS, "-jar", str(jar), *settings])  # noqa: S606  (no shell is wanted)


def main() -> None:
    """Serve what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("java", "jar", "objects"):
        parser.add_argument(name, type=Path)
    parser.add_argument("properties", type=Path, nargs="+", help="a file for each login")
    options = parser.parse_args()
    serve(options.java, options.jar, options.objects, options.properties)


if __name__ == "__main__":
    main()
