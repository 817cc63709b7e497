"""Where pages lie in the bucket, and the addresses under which a browser finds them."""

import re
from datetime import date

PREFIX = "pages/"
"""Everything below is for browsers; nothing above is."""

INDEX = f"{PREFIX}quality/index.html"
"""The page of all tables."""

WINDOW = f"{PREFIX}quality/window.json"
"""What the quality pages show, as data: the last days of every table."""


RELEASES = f"{PREFIX}releases/index.html"
"""The page of all releases."""


def release_page(release_id: str) -> str:
    """The report of one release.

    >>> release_page("2026-06-30-000001")
    'pages/releases/2026-06-30-000001.html'
    """
    return f"{PREFIX}releases/{release_id}.html"


def release_figures(release_id: str) -> str:
    """Its figures, for the report after it to be compared with."""
    return f"{PREFIX}releases/{release_id}.json"


def table_page(table: str) -> str:
    """The page of one table.

    >>> table_page("silver.events")
    'pages/quality/silver.events.html'
    """
    return f"{PREFIX}quality/{table}.html"


def data_docs(table: str, landing_day: date, run_id: str, attempt: int) -> str:
    """The Data Docs of one audit; what a browser would have to escape in a run's name becomes an underscore.

    >>> data_docs("silver.events", date(2026, 6, 30), "scheduled__2026-07-01T00:00:00+00:00", 2)
    'pages/data_docs/silver.events/2026-06-30/scheduled__2026-07-01T00_00_00_00_00-2.html'
    """
    return f"{PREFIX}data_docs/{table}/{landing_day}/{re.sub(r'[^A-Za-z0-9_.-]+', '_', run_id)}-{attempt}.html"


def address(base: str | None, key: str) -> str:
    """The address of a page below ``base``, the static host or server in front of the prefix; its key where there is none.

    >>> address("http://127.0.0.1:28081/", INDEX)
    'http://127.0.0.1:28081/quality/index.html'
    >>> address(None, INDEX)
    'pages/quality/index.html'
    """
    return f"{base.rstrip('/')}/{key.removeprefix(PREFIX)}" if base else key


def between(page: str, key: str) -> str:
    """The relative link from one page to another, so that pages work behind any host.

    >>> between(table_page("silver.events"), "pages/data_docs/silver.events/2026-06-30/r-1.html")
    '../data_docs/silver.events/2026-06-30/r-1.html'
    >>> between(INDEX, table_page("silver.events"))
    'silver.events.html'
    """
    here, there = page.split("/")[:-1], key.split("/")
    shared = 0
    while shared < min(len(here), len(there) - 1) and here[shared] == there[shared]:
        shared += 1
    return "/".join([*[".."] * (len(here) - shared), *there[shared:]])
