"""The pages' container: what lies below ``pages/`` in the bucket of exports, read with the reader's keys and shown behind a login."""

import re
from http.server import ThreadingHTTPServer

from jobs.store import Store
from stack.images.given import secrets, setting
from stack.page_server import Login, handler

PORT = 8081
PASSWORD, SECRET_KEY = "PAGES_PASSWORD", "S3_EXPORT_READER_SECRET_KEY"


def names_of(hosts: str) -> re.Pattern[str]:
    """The names under which browsers may ask, with any port; ``hosts`` are separated by commas.

    >>> bool(names_of("pages.shop.example, localhost").fullmatch("localhost:8081"))
    True
    """
    return re.compile("(?:" + "|".join(re.escape(host.strip()) for host in hosts.split(",")) + r")(?::\d+)?")


def main() -> None:
    """Serve until stopped."""
    given = secrets((PASSWORD, SECRET_KEY))
    store = Store(
        bucket=setting("EXPORT_BUCKET"),
        endpoint=setting("S3_ENDPOINT"),
        region=setting("S3_REGION", "us-east-1"),
        access_key=setting("S3_EXPORT_READER_ACCESS_KEY"),
        secret_key=given[SECRET_KEY],
    )
    pages = handler(store, names=names_of(setting("PAGES_HOSTS", "localhost,127.0.0.1")), login=Login("viewer", given[PASSWORD]))
    ThreadingHTTPServer(("0.0.0.0", PORT), pages).serve_forever()  # noqa: S104  (of a container)  # nosec B104


if __name__ == "__main__":
    main()
