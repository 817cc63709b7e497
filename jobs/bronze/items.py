"""``bronze.items``: what the shop delivered about its items, line by line."""

from pyspark.sql import DataFrame, SparkSession

from expectations.bronze.items import SUITE
from jobs.bronze.lines import landed_lines, lines_table
from jobs.interval import Interval
from jobs.sources.source import Source
from jobs.step import LandedDays, Step, Write
from jobs.store import Store

ITEMS = lines_table(
    "bronze.items", "One row a landed line of the items feed, as it was received; no rows where the source does not have that feed."
)


def build(*, spark: SparkSession, source: Source, store: Store, interval: Interval) -> DataFrame:
    """One row a line that landed in the interval; raises NotLandedError and LandingError as ``jobs.landing.check`` does."""
    return landed_lines("items", spark=spark, source=source, store=store, interval=interval)


STEP = Step(reads=(), writes=(Write(ITEMS, SUITE, LandedDays()),), build=build, takes=("spark", "source", "store", "interval"))
