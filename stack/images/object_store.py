"""The object store's container: a login for each door from the environment, then S3Proxy. Standard library only."""

import sys
import urllib.error
import urllib.request
from pathlib import Path

from stack import s3proxy
from stack.credentials import write_private
from stack.images.given import secrets

PORT = 9000
OBJECTS, CONF, JARS = Path("/var/tradewind/objects"), Path("/run/tradewind"), Path("/opt/tradewind/jars")
FORBIDDEN = 403


def names() -> list[str]:
    """The variables that hold keys."""
    return [f"S3_{door.role.upper()}_{kind}_KEY" for door in s3proxy.DOORS for kind in ("ACCESS", "SECRET")]


def is_healthy() -> bool:
    """Whether a request without a signature is refused."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=4)  # nosec B310
    except urllib.error.HTTPError as error:
        return error.code == FORBIDDEN
    except OSError:
        return False
    return False


def main() -> None:
    """Write the settings of every door, then become the server."""
    if "--is-healthy" in sys.argv:
        raise SystemExit(0 if is_healthy() else 1)
    keys = iter(secrets(names()).values())
    files = []
    for door in s3proxy.DOORS:
        file = CONF / f"s3proxy-{door.role}.properties"
        write_private(file, door.properties(next(keys), next(keys), endpoint=f"http://0.0.0.0:{PORT}", objects=OBJECTS))
        files.append(file)
    s3proxy.serve(Path("/usr/bin/java"), next(JARS.glob("s3proxy-*.jar")), OBJECTS, files)


if __name__ == "__main__":
    main()
