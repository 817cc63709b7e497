"""The page server reads pages, and nothing but pages."""

import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from typing import cast

import pytest

from jobs.store import Store
from stack.page_server import HOST, handler, key_of


class Bucket:
    """A bucket in memory that notes every key that is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.content = {"pages/quality/index.html": b"<p>quality</p>", "pages/quality/window.json": b"{}", "landing/secret.html": b"secret"}

    def read(self, key: str) -> bytes | None:
        self.asked.append(key)
        return self.content.get(key)


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def port(bucket: Bucket) -> Iterator[int]:
    server = ThreadingHTTPServer((HOST, 0), handler(cast("Store", bucket)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def ask(port: int, path: str, method: str = "GET", host: str | None = None) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection(HOST, port, timeout=10)
    connection.putrequest(method, path, skip_host=host is not None)
    if host is not None:
        connection.putheader("Host", host)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


def test_a_page_is_served_with_its_type_and_may_fetch_nothing(port: int) -> None:
    status, headers, content = ask(port, "/quality/index.html")
    assert (status, content) == (200, b"<p>quality</p>")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert ask(port, "/quality/window.json")[1]["Content-Type"] == "application/json"


def test_the_bare_address_leads_to_the_first_page(port: int) -> None:
    status, headers, _ = ask(port, "/")
    assert (status, headers["Location"]) == (302, "/quality/index.html")


def test_what_is_not_there_is_not_found(port: int) -> None:
    assert ask(port, "/quality/none.html")[0] == 404


def test_health_needs_no_bucket(port: int, bucket: Bucket) -> None:
    assert ask(port, "/health")[0] == 200
    assert bucket.asked == []


@pytest.mark.parametrize(
    "path",
    [
        "/../landing/secret.html",
        "/%2e%2e/landing/secret.html",
        "/quality/..%2f..%2flanding/secret.html",
        "/quality/%2e%2e%5c%2e%2e%5clanding%5csecret.html",
        "/quality//index.html",
        "/quality/.hidden.html",
        "/quality/index.html%00",
        "/quality/index",
        "/quality/",
    ],
)
def test_a_path_that_leads_elsewhere_never_reaches_the_bucket(port: int, bucket: Bucket, path: str) -> None:
    assert key_of(path) is None
    assert ask(port, path)[0] == 404
    assert bucket.asked == []


@pytest.mark.parametrize("target", ["//landing/secret.html", "http://other/quality/index.html", "*", ""])
def test_only_a_plain_path_is_a_key(target: str) -> None:
    assert key_of(target) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_it_only_reads(port: int, bucket: Bucket, method: str) -> None:
    assert ask(port, "/quality/index.html", method)[0] == 501
    assert bucket.asked == []


def test_another_name_for_this_address_is_refused(port: int, bucket: Bucket) -> None:
    assert ask(port, "/quality/index.html", host="evil.example")[0] == 421
    assert ask(port, "/quality/index.html", host=f"localhost:{port}")[0] == 200
    assert bucket.asked == ["pages/quality/index.html"]


def test_it_listens_on_this_machine_only(port: int) -> None:
    assert HOST == "127.0.0.1"
    with socket.socket() as elsewhere, pytest.raises(OSError, match="refused"):
        elsewhere.connect(("127.0.0.2", port))
