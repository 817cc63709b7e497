"""The object store: S3Proxy over a folder. ``python -m stack.object_store`` sweeps what a kill left behind, then becomes the server."""

import argparse
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from stack.credentials import Credentials, write_private
from stack.errors import StackError
from stack.supervision import Program

NAME = "object-store"
BUCKET = "tradewind"
REGION = "us-east-1"
JVM_OPTIONS = ("-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Two cores have better things to do than to optimise a server that waits for its disk."""
MD5_ATTRIBUTE = "user.user.content-md5"
IN_FLIGHT = re.compile(r"-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")


@dataclass(frozen=True)
class ObjectStore:
    """One S3Proxy: its folder of objects, its properties file, its port."""

    state: Path
    port: int
    java: Path
    jar: Path
    python: Path

    @property
    def objects(self) -> Path:
        """The folder that holds the objects; one folder a bucket."""
        return self.state / "objects"

    @property
    def properties(self) -> Path:
        """The server's settings, with its credentials; mode 0600."""
        return self.state / "conf" / "s3proxy.properties"

    @property
    def endpoint(self) -> str:
        """The address of the store."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def program(self) -> Program:
        """The server as the supervisor runs it; each start, also one after a crash, sweeps first."""
        command = (str(self.python), "-m", "stack.object_store", str(self.java), str(self.jar), str(self.properties), str(self.objects))
        return Program(NAME, command, directory=self.state)

    def prepare(self, credentials: Credentials) -> None:
        """Make folder and settings; raises ``StackError`` when the file system keeps no extended attributes."""
        self.objects.mkdir(parents=True, exist_ok=True, mode=0o700)
        require_extended_attributes(self.objects)
        lines = {
            "s3proxy.authorization": "aws-v2-or-v4",
            "s3proxy.identity": credentials.s3_access_key,
            "s3proxy.credential": credentials.s3_secret_key,
            "s3proxy.endpoint": self.endpoint,
            "s3proxy.v4-max-non-chunked-request-size": str(512 << 20),
            "jclouds.provider": "filesystem",
            "jclouds.filesystem.basedir": str(self.objects),
        }
        write_private(self.properties, "".join(f"{name}={value}\n" for name, value in lines.items()))

    def create_bucket(self, credentials: Credentials) -> None:
        """Make the bucket unless it is there."""
        client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=credentials.s3_access_key,
            aws_secret_access_key=credentials.s3_secret_key,
            config=Config(s3={"addressing_style": "path"}),
        )
        try:
            client.create_bucket(Bucket=BUCKET)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                raise

    def ailment(self) -> str | None:
        """Why the store is not healthy, or None when it is: a request without a signature must be refused."""
        try:
            status = requests.get(self.endpoint, timeout=5).status_code
        except requests.RequestException as error:
            return type(error).__name__
        return None if status == requests.codes.forbidden else f"an unsigned request was answered {status}, not 403"


def require_extended_attributes(folder: Path) -> None:
    """Raise ``StackError`` unless files in ``folder`` can carry extended attributes; the store keeps checksums in them."""
    probe = folder / ".attribute-probe"
    probe.touch()
    try:
        os.setxattr(probe, "user.tradewind", b"1")
    except OSError as error:
        raise StackError(
            f"The file system of {folder} keeps no extended attributes ({error.strerror}), and the object store needs them.",
            advice="Set TWSTACK_LOCAL_DIR to a folder on ext4, xfs or btrfs.",
        ) from None
    finally:
        probe.unlink()


def stale_uploads(objects: Path) -> Iterator[Path]:
    """Files of uploads that were cut off: named ``<key>-<uuid>``, without the checksum that a finished object carries."""
    for path in objects.rglob("*"):
        if IN_FLIGHT.search(path.name) and path.is_file() and MD5_ATTRIBUTE not in os.listxattr(path):
            yield path


def main() -> None:
    """Sweep, then replace this process by the server."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("java", "jar", "properties", "objects"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    stale = list(stale_uploads(arguments.objects))
    for path in stale:
        path.unlink()
    print(f"swept {len(stale)} cut-off uploads", flush=True)
    java = str(arguments.java)
    os.execv(java, [java, *JVM_OPTIONS, "-jar", str(arguments.jar), "--properties", str(arguments.properties)])  # noqa: S606  (no shell is wanted)


if __name__ == "__main__":
    main()
