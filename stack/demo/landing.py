"""Bring the files into the landing zone, as soon as the object store answers."""

import subprocess
import sys
from datetime import date
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from jobs.landing import landed_days
from jobs.sources.source import load
from jobs.store import Store
from stack.errors import StackError
from stack.services import Stack
from stack.shop import Shop, store_of

SYNTHETIC = "synthetic"
LAST_SYNTHETIC_DAY = date(2026, 6, 30)
"""A fixed day, so that the same command makes the same shop next week."""


def bucket_answers(stack: Stack) -> bool:
    """Whether the shop's own buckets can be used already (another shop's stack on the same port refuses the login)."""
    if not stack.env_file.exists():
        return False
    try:
        store_of(stack).knock()
    except (BotoCoreError, ClientError):
        return False
    return True


def command(source: str, place: Path | None, through: date | None, size: dict[str, int]) -> list[str]:
    """The command that lands; raises StackError when a foreign source comes without its files.

    >>> command("synthetic", None, date(2026, 1, 31), {"users": 10, "items": 5, "days": 2})[1:]
    ['-m', 'jobs.sources.synthetic', '--last-day', '2026-01-31', '--users', '10', '--items', '5', '--days', '2']
    """
    if source == SYNTHETIC and place is None:
        sized = [word for name, number in size.items() for word in (f"--{name}", str(number))]
        return [sys.executable, "-m", "jobs.sources.synthetic", "--last-day", str(through or LAST_SYNTHETIC_DAY), *sized]
    if place is None:
        raise StackError(f"Source {source} needs files.", advice="Name them: --input FILE_OR_FOLDER (make demo SOURCE=... INPUT=...)")
    limit = ["--through", str(through)] if through else []
    return [sys.executable, "-m", "jobs.land", "--source", source, "--input", str(place.resolve()), *limit]


def land(shop: Shop, words: list[str]) -> None:
    """Run the landing command with its output on this terminal; raises StackError when it fails."""
    done = subprocess.run(words, env=shop.environment(), check=False)
    if done.returncode != 0:
        raise StackError(f"Landing failed with exit code {done.returncode}.", advice="The lines above say why.")


def days_there(shop: Shop) -> tuple[date, ...]:
    """The days that have landed, every feed of them."""
    settings = shop.job_settings_read()
    return landed_days(Store.from_settings(settings), load(shop.source, settings.optional_feeds))
