"""A thousand ways in which a file can be wrong, a seeded share of them here; the rest: ``python -m benchmarks.landing_mutations``."""

import gzip
import hashlib
import io
import json
import re
import tracemalloc
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import entry
from jobs.context import Context
from jobs.errors import EXIT_BAD_DATA, LandingError, TradewindError
from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.landing import MAX_LINE_BYTES, LandedFile, Marker, folder, raw_lines, write_marker
from jobs.settings import Settings
from jobs.sources.source import load
from jobs.store import Store
from tests.landed_day import events_of, land_events
from tests.mutations.deliveries import mutants
from tests.mutations.kinds import MUTATIONS
from tests.mutations.report import Report, as_text, run

ROOT = Path(__file__).resolve().parents[2]
SEED = 20_260_504
COUNT = len(MUTATIONS) + 12
"""Each kind once, and some two at once."""


@pytest.fixture(scope="module")
def report(spark: SparkSession) -> Report:
    return run(spark, COUNT, SEED, is_thorough=False)


def test_every_mutant_is_kept_quarantined_with_reasons_or_refused_with_a_typed_error_and_each_line_accounted_for(report: Report) -> None:
    assert report.broken == [], as_text(report.rows())
    assert len(report.verdicts) == 2 * COUNT


def test_every_kind_was_tried_and_every_outcome_was_met(report: Report) -> None:
    assert {kind for verdict in report.verdicts for kind in verdict.delivery.mutant.kinds} == set(MUTATIONS)
    assert {verdict.outcome for verdict in report.verdicts} == {"kept", "quarantined", "refused"}


def test_every_reason_that_was_met_is_explained(report: Report) -> None:
    met = {reason for verdict in report.verdicts for reason in verdict.reasons}
    assert len(met) > 5
    explained = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "quarantine.md").read_text(encoding="utf-8")))
    assert met <= explained


def test_the_same_seed_makes_the_same_mutants_and_another_seed_others() -> None:
    digests = [[hashlib.sha256(mutant.content).hexdigest() for mutant in mutants(40, seed)] for seed in (7, 7, 8)]
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "bomb"])
def test_a_line_of_50_megabytes_is_refused_and_never_held(pack: Callable[[bytes], bytes]) -> None:
    content = pack(b'{"event_id": "' + b"x" * 50_000_000 + b'"}\n')
    tracemalloc.start()
    try:
        with pytest.raises(LandingError, match=f"a line of more than {MAX_LINE_BYTES} bytes"):
            list(raw_lines(io.BytesIO(content), "f"))
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_LINE_BYTES
    finally:
        tracemalloc.stop()


# whole days, through the tables to the exit code of the task

DAY = date(2027, 5, 4)
Ended = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def ended(lake_spark: SparkSession, services: Settings) -> Ended:
    """Build tables of ``DAY`` as the entry script does; exit code and message."""

    def build(*names: str, run_id: str) -> tuple[int, str]:
        interval = Interval(DAY, DAY + timedelta(days=1))
        lake = Lake(lake_spark, Attempt(run_id=run_id, attempt=1, interval=interval, code_version="test"))
        context = Context(services, lake_spark, Store.from_settings(services), lake, load(services.source), interval, run_id, 1)
        try:
            return 0, json.dumps(entry.run(context, names), default=str)
        except TradewindError as error:
            return error.exit_code, f"{type(error).__name__}: {error}"

    return build


def deliver(services: Settings, feed: str, content: bytes, rows: int) -> None:
    """A file of ``DAY`` with the marker that a shop would write for these very bytes."""
    store = Store.from_settings(services)
    file = LandedFile("part-00000.jsonl.gz", rows, len(content), hashlib.sha256(content).hexdigest())
    store.write(folder(services.source, feed, DAY) + file.name, content)
    write_marker(store, Marker(services.source, feed, DAY, rows, (file,)))


def broken_archive(lines: bytes) -> bytes:
    return gzip.compress(lines, mtime=0)[:-12]


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (broken_archive, "expected a whole gzip file"),
        (lambda lines: lines.decode().encode("utf-16"), "found text in UTF-16"),
    ],
    ids=["cut", "utf-16"],
)
def test_a_file_that_breaks_inside_a_task_ends_it_with_exit_65_and_our_own_words(
    ended: Ended, services: Settings, spoil: Callable[[bytes], bytes], found: str
) -> None:
    land_events(services, DAY)
    deliver(services, "events", spoil(b"".join(json.dumps(event).encode() + b"\n" for event in events_of(DAY, 5))), 5)
    exit_code, message = ended("bronze.events", run_id=f"breaks {len(found)}")
    assert (exit_code, found in message, "Traceback" in message) == (EXIT_BAD_DATA, True, False), message


def order(number: int, **change: Any) -> dict[str, Any]:
    instant = f"{DAY}T12:00:00Z"
    return {"order_id": f"o{number}", "line_number": 1, "user_id": "u1", "item_id": "i1", "ordered_at": instant, "kind": "sale"} | {
        "quantity": 2,
        "unit_price_minor": 500,
        "discount_minor": 100,
        "currency": "EUR",
        **change,
    }


FAULTY_ORDERS = (
    order(900, discount_minor=-1),
    order(901, discount_minor=1_001),
    order(902, quantity=2_147_483_647),
    order(903, item_id="a\x00b"),
    order(904, item_id="x" * 20_000),
)


def test_rows_that_a_suite_would_stop_the_day_for_are_rejected_one_by_one_and_the_day_is_published(
    ended: Ended, services: Settings
) -> None:
    strange = [order(200, item_id="\ud7ff" * 20), order(201, item_id="\U0010ffff" * 20, channel='tab\t"quote", line\nend')]
    orders = [*[order(number) for number in range(198)], *strange, *FAULTY_ORDERS]
    deliver(services, "orders", gzip.compress("".join(json.dumps(line) + "\n" for line in orders).encode(), mtime=0), len(orders))
    assert ended("bronze.orders", run_id="faulty")[0] == 0
    exit_code, message = ended("silver.order_lines", run_id="faulty")
    assert exit_code == 0, message
    counts = json.loads(message)["tables"]["silver.order_lines"]
    assert (counts["read"], counts["kept"], counts["rejected"]) == (205, 200, 5)
    assert counts["reasons"] == {"impossible_discount": 2, "impossible_quantity": 1, "unprintable_text": 1, "overlong_text": 1}
