"""The pages of the bucket for a browser on this machine: ``python -m stack.page_server PORT`` reads what lies below ``pages/``, no more.

On one machine without a login: whoever may use it may see what MLflow's page shows too. Elsewhere behind one (``stack/images/pages.py``),
or any static host in front of the prefix does it.
"""

import hmac
import re
import sys
from base64 import b64encode
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import requests
from botocore.exceptions import BotoCoreError, ClientError

from jobs.reports.places import INDEX, PREFIX
from jobs.settings import ENV_FILE_VARIABLE, Settings
from jobs.store import Store
from stack.supervision import Program

NAME = "pages"
HOST = "127.0.0.1"
HEALTH = "/health"

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".css": "text/css; charset=utf-8",
}
"""What is served, by suffix; anything else is not found."""

_KEY = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_OUR_NAMES = re.compile(r"(?:127\.0\.0\.1|localhost)(?::\d+)?")
_HEADERS = {
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'none'; frame-ancestors 'none'",
}


@dataclass(frozen=True)
class PageServer:
    """One server on a stack's object store."""

    state: Path
    port: int
    env_file: Path

    @property
    def url(self) -> str:
        """The address in front of the prefix."""
        return f"http://{HOST}:{self.port}"

    @property
    def program(self) -> Program:
        """The server as the supervisor runs it; its keys are in the shop's file of settings."""
        command = (sys.executable, "-m", "stack.page_server", str(self.port))
        return Program(NAME, command, {ENV_FILE_VARIABLE: str(self.env_file)}, directory=self.state, clean_start=True)

    def ailment(self) -> str | None:
        """Why the server is not healthy, or None when it is."""
        try:
            status = requests.get(f"{self.url}{HEALTH}", timeout=5).status_code
        except requests.RequestException as error:
            return type(error).__name__
        return None if status == requests.codes.ok else f"{HEALTH} answered {status}"


def key_of(target: str) -> str | None:
    """The object that a request asks for; None for anything but a plain path to a kind of file that is served.

    A segment that begins with a dot, an empty one, a backslash or a NUL, escaped or not, is no key: the object store maps keys to files.

    >>> key_of("/quality/silver.events.html?x=1")
    'pages/quality/silver.events.html'
    >>> key_of("/quality/%2e%2e/%2e%2e/landing/secret.html") is None
    True
    """
    path = unquote(target.partition("?")[0])
    name = path.removeprefix("/")
    is_plain = path.startswith("/") and _KEY.fullmatch(name) is not None
    return PREFIX + name if is_plain and Path(name).suffix in CONTENT_TYPES else None


@dataclass(frozen=True)
class Login:
    """Who may look, by HTTP's basic authentication (RFC 7617)."""

    user: str
    password: str = field(repr=False)

    def is_told_by(self, header: str) -> bool:
        """Whether a request's ``Authorization`` is this login; takes as long for a wrong one as for the right one.

        >>> Login("viewer", "x").is_told_by("Basic dmlld2VyOng=")
        True
        """
        wanted = b64encode(f"{self.user}:{self.password}".encode())
        return hmac.compare_digest(header.encode(), b"Basic " + wanted)


def handler(store: Store, *, names: re.Pattern[str] = _OUR_NAMES, login: Login | None = None) -> type[BaseHTTPRequestHandler]:
    """What answers a request from this bucket: under one of ``names``, to ``login`` where there is one."""

    class Pages(BaseHTTPRequestHandler):
        server_version = "tradewind-pages"
        sys_version = ""

        def do_GET(self) -> None:
            """Answer with one page."""
            if not names.fullmatch(self.headers.get("Host", "")):  # another name that was pointed at this address
                self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
                return
            if login is not None and self.path != HEALTH and not login.is_told_by(self.headers.get("Authorization", "")):
                self._answer(HTTPStatus.UNAUTHORIZED, b"", "text/plain", **{"WWW-Authenticate": 'Basic realm="Tradewind", charset="UTF-8"'})
                return
            if self.path == "/":
                self._answer(HTTPStatus.FOUND, b"", "text/plain", Location=f"/{INDEX.removeprefix(PREFIX)}")
                return
            if self.path == HEALTH:
                self._answer(HTTPStatus.OK, b"ok\n", "text/plain")
                return
            key = key_of(self.path)
            try:
                content = store.read(key) if key else None
            except (BotoCoreError, ClientError) as error:
                self.log_error("%s: %s", key, error)
                self.send_error(HTTPStatus.BAD_GATEWAY, "The object store does not answer")
                return
            if key is None or content is None:
                self.send_error(HTTPStatus.NOT_FOUND, "There is no such page")
                return
            self._answer(HTTPStatus.OK, content, CONTENT_TYPES[Path(key).suffix])

        def _answer(self, status: HTTPStatus, content: bytes, content_type: str, **headers: str) -> None:
            self.send_response(status)
            for name, value in {**_HEADERS, **headers, "Content-Type": content_type, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    return Pages


def main(arguments: list[str]) -> None:
    """Serve until stopped."""
    store = Store.from_settings(Settings.from_environment())
    ThreadingHTTPServer((HOST, int(arguments[0])), handler(store)).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
