"""The whole shop: blocks of users through Spark, the catalogue, then the markers, last."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import SparkSession

from jobs.landing import MARKER, Marker, folder
from jobs.sources.synthetic import answers
from jobs.sources.synthetic.blocks import Written, write_block, write_shelves
from jobs.sources.synthetic.places import Place
from jobs.sources.synthetic.shop import FEEDS, REJECTED_FAULTS, SOURCE_NAME, Shop

BLOCKS_AT_ONCE = 8
"""Blocks that are handed to Spark for each of its slots before progress is told."""


@dataclass(frozen=True)
class Generated:
    """What was written: files, and for each feed the counts of lines and of everything planted in them."""

    files: int
    counts: dict[str, Counter[str]]

    def lines(self, feed: str) -> int:
        """Lines of a feed, with all that is wrong among them."""
        return self.counts[feed]["lines"]

    def reject_share(self, feed: str) -> float:
        """Share of a feed's lines that cannot become rows, in [0, 1]."""
        rejected = sum(self.counts[feed][fault] for fault in REJECTED_FAULTS)
        return rejected / max(1, self.lines(feed))


def generate(
    shop: Shop,
    *,
    spark: SparkSession,
    landing: Place,
    answers_place: Place,
    partitions: int | None = None,
    tell: Callable[[str], None] = print,
) -> Generated:
    """Write the shop's days, replacing all that the source had landed in that place, and the answers.

    The files are the same for any number of ``partitions`` (default: one a block). What is in the way goes first and markers come last,
    so that a day whose writing was cut short has not landed.
    """
    landing.clear(f"landing/{SOURCE_NAME}/")
    answers_place.clear(answers.PREFIX)
    done = [write_shelves(shop, landing)]
    tell(f"catalogue: {shop.items} items, {done[0].counts['items']['lines']} lines, {done[0].counts['stock']['lines']} of stock")
    blocks = shop.blocks()
    step = BLOCKS_AT_ONCE * spark.sparkContext.defaultParallelism
    for start in range(0, len(blocks), step):
        wave = range(start, min(start + step, len(blocks)))
        done += _through_spark(spark, shop, wave, landing=landing, answers_place=answers_place, partitions=partitions)
        events = sum(written.counts["events"]["lines"] for written in done if "events" in written.counts)
        tell(f"users: {blocks[wave[-1]].stop} of {shop.users}, {events} events")
    result = _sum(done)
    answers_place.write(answers.PREFIX + answers.FILE, answers.to_json(answers.answers_of(shop, result.counts)))
    _write_markers(shop, done, landing)
    tell(f"landed: {result.files} files, {len(FEEDS)} feeds, {shop.days} days from {shop.first_day} to {shop.last_day}")
    return result


def _through_spark(
    spark: SparkSession, shop: Shop, wave: range, *, landing: Place, answers_place: Place, partitions: int | None
) -> list[Written]:
    def write(block: int) -> Written:
        return write_block(shop, block, landing, answers_place)

    return spark.sparkContext.parallelize(wave, min(len(wave), partitions or len(wave))).map(write).collect()


def _write_markers(shop: Shop, done: list[Written], landing: Place) -> None:
    files = defaultdict(list)
    for written in done:
        for feed, day, file in written.files:
            files[feed, day].append(file)
    for day in (shop.day(offset) for offset in range(shop.days)):
        for feed in FEEDS:
            landed = tuple(sorted(files[feed, day], key=lambda file: file.name))
            marker = Marker(source=SOURCE_NAME, feed=feed, landed_date=day, rows=sum(file.rows for file in landed), files=landed)
            landing.write(folder(SOURCE_NAME, feed, day) + MARKER, marker.to_json())


def _sum(done: list[Written]) -> Generated:
    counts: dict[str, Counter[str]] = {feed: Counter() for feed in FEEDS}
    for written in done:
        for feed, found in written.counts.items():
            counts[feed].update(found)
    return Generated(sum(len(written.files) for written in done), counts)
