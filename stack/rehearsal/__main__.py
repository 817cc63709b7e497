"""``python -m stack.rehearsal``: a tiny shop's days through live services of its own while something is killed every now and then.

The days but the last few are loaded as one history, the models are trained on it, and each day after it is refined and released. With more
kills than fit, the daily days are run again. Afterwards the lines that landed are counted against the lines in silver, the lake is emptied,
the same runs go undisturbed with the models that the releases recorded, every table is compared, and every release is read as a reader
would. The table of kills goes to the terminal and to ``--to``. Exit 0 when nothing was lost, doubled or mixed.
"""

import argparse
import itertools
import random
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from rich.console import Console

from jobs.release import releases
from stack.demo import landing
from stack.demo.airflow_api import AirflowApi
from stack.errors import StackError
from stack.rehearsal import verdict
from stack.rehearsal.legs import DAGS, Disturbed, itinerary, undisturbed
from stack.rehearsal.reader import Reader, problems
from stack.rehearsal.victims import plan
from stack.services import Stack, temporary
from stack.settings import StackSettings
from stack.shop import store_of

LAST_DAY = date(2026, 6, 30)
FEEDS = tuple(verdict.PARSED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Rehearse; 0 when the platform came through unharmed, 1 with what was wrong."""
    options = _parser().parse_args(arguments)
    settings = replace(StackSettings.from_environment(), retry_seconds=3, not_yet_seconds=5)
    stack = temporary(settings.local_dir / "rehearsals" / f"{options.seed}-{secrets.token_hex(3)}", settings)
    console = Console(highlight=False, width=170)
    began = time.monotonic()

    def say(line: str) -> None:
        console.print(f"[{time.monotonic() - began:5.0f} s] {line}", markup=False, soft_wrap=True)

    try:
        stack.start(say)
        found = rehearse(stack, options, say)
    except StackError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    finally:
        if options.keep:
            say(f"the services stay: {stack.state}")
        else:
            stack.remove()
    console.print(verdict.kills_table(found))
    console.print(verdict.summary(found), markup=False)
    if options.to:
        options.to.write_text(verdict.as_markdown(found, f"make rehearse KILLS={options.kills} SEED={options.seed}"), encoding="utf-8")
    return 0 if found.is_unharmed else 1


def rehearse(stack: Stack, options: argparse.Namespace, say: Callable[[str], None]) -> verdict.Verdict:
    """Land, disturb every leg, compare with the same legs undisturbed."""
    began = time.monotonic()
    size = {"users": options.users, "items": options.items, "days": options.days}
    landing.land(stack, landing.command(landing.SYNTHETIC, None, LAST_DAY, size))
    days = landing.days_there(stack)
    legs = itinerary(days, options.daily)
    api = AirflowApi(stack.airflow_url, stack.airflow_user, stack.airflow_password)
    api.wait_for_dags(DAGS)
    victims = plan(options.kills, options.seed)
    disturbed = Disturbed(stack, api, random.Random(options.seed), say)  # noqa: S311 - chance, not secrets
    store = store_of(stack)
    share = -(-options.kills // len(legs))
    with Reader(store) as reader:
        for number, leg in enumerate(itertools.chain(legs, itertools.cycle(legs[-options.daily :]))):
            if number >= len(legs) and not victims:
                break
            mine = [victims.pop() for _ in range(min(share, len(victims)))]
            say(f"{leg.dag_id} of {leg.day}: {len(mine)} kills to come, {len(victims)} after it")
            disturbed.go(leg, f"rehearsal_{number}", mine)
            victims += mine
    lake = verdict.LakeReader.open(stack)
    before, last, unaccounted = lake.hashes(), releases.named(store, None), lake.unaccounted(landed_rows(stack, days))
    say("all days are released and hashed; the lake is emptied, and the same runs go undisturbed")
    lake.empty()
    for leg in legs:
        if not leg.is_training:
            undisturbed(leg, api, "undisturbed", say)
    found = [*reader.found, *(problem for release in releases.read_all(store) for problem in problems(store, release))]
    return verdict.Verdict(
        kills=disturbed.kills,
        cleared=disturbed.cleared,
        before=before,
        undisturbed=lake.hashes(),
        releases=(verdict.content_hashes(last), verdict.content_hashes(releases.named(store, None))),
        unaccounted=unaccounted,
        mixed=found,
        releases_read=len(reader.seen),
        seconds=time.monotonic() - began,
    )


def landed_rows(stack: Stack, days: Sequence[date]) -> Mapping[str, int]:
    """Feed -> rows that the markers of the days name."""
    return verdict.marked_rows(store_of(stack), stack.source, FEEDS, days)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stack.rehearsal", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same victims and waits")
    parser.add_argument("--days", type=int, default=18, help="days of the shop (default: 18)")
    parser.add_argument("--daily", type=int, default=3, help="the last ones of them, refined day by day after one history (default: 3)")
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--items", type=int, default=60)
    parser.add_argument("--to", type=Path, help="file for the table of kills, as Markdown")
    parser.add_argument("--keep", action="store_true", help="leave the services running")
    return parser


if __name__ == "__main__":
    sys.exit(main())
