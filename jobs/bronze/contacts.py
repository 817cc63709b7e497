"""``bronze.contacts``: how users can be reached, line by line."""

from pyspark.sql import DataFrame, SparkSession

from expectations.bronze.contacts import SUITE
from jobs.bronze.lines import landed_lines, lines_table
from jobs.interval import Interval
from jobs.sources.source import Source
from jobs.step import LandedDays, Step, Write
from jobs.store import Store

CONTACTS = lines_table(
    "bronze.contacts", "One row a landed line of the contacts feed, as it was received. Only where a shop sends that feed."
)


def build(*, spark: SparkSession, source: Source, store: Store, interval: Interval) -> DataFrame:
    """One row a line that landed in the interval; raises NotLandedError and LandingError as ``jobs.landing.check`` does."""
    return landed_lines("contacts", spark=spark, source=source, store=store, interval=interval)


STEP = Step(
    reads=(), writes=(Write(CONTACTS, SUITE, LandedDays()),), build=build, takes=("spark", "source", "store", "interval"), feed="contacts"
)
