"""The object store of a shop's services: S3Proxy over a folder."""

import os
from dataclasses import dataclass
from pathlib import Path

import requests

from stack.credentials import Credentials, write_private
from stack.errors import StackError
from stack.s3proxy import DOORS, Door
from stack.supervision import Program

NAME = "object-store"
REGION = "us-east-1"


@dataclass(frozen=True)
class ObjectStore:
    """One S3Proxy: its folder of objects, its settings, its port."""

    state: Path
    port: int
    java: Path
    jar: Path
    python: Path

    @property
    def objects(self) -> Path:
        """The folder that holds the objects: one folder a door, in it one a bucket."""
        return self.state / "objects"

    def properties(self, door: Door) -> Path:
        """The server's settings for one login, with its credentials; mode 0600."""
        return self.state / "conf" / f"s3proxy-{door.role}.properties"

    @property
    def endpoint(self) -> str:
        """The address of the store."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def program(self) -> Program:
        """The server as the supervisor runs it; each start, also one after a crash, sweeps first."""
        places = (self.java, self.jar, self.objects, *map(self.properties, DOORS))
        return Program(NAME, (str(self.python), "-m", "stack.s3proxy", *map(str, places)), directory=self.state)

    def prepare(self, credentials: Credentials) -> None:
        """Make folder and settings; raises ``StackError`` when the file system keeps no extended attributes."""
        self.objects.mkdir(parents=True, exist_ok=True, mode=0o700)
        require_extended_attributes(self.objects)
        for door in DOORS:
            keys = (credentials.s3_access_keys[door.role], credentials.s3_secret_keys[door.role])
            write_private(self.properties(door), door.properties(*keys, endpoint=self.endpoint, objects=self.objects))

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
