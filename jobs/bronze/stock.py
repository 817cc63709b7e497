"""``bronze.stock``: what the shop counted of its items, line by line."""

from pyspark.sql import DataFrame, SparkSession

from expectations.bronze.stock import SUITE
from jobs.bronze.lines import landed_lines, lines_table
from jobs.interval import Interval
from jobs.sources.source import Source
from jobs.step import LandedDays, Step, Write
from jobs.store import Store

STOCK = lines_table("bronze.stock", "One row a landed line of the stock feed, as it was received. Only where a shop sends that feed.")


def build(*, spark: SparkSession, source: Source, store: Store, interval: Interval) -> DataFrame:
    """One row a line that landed in the interval; raises NotLandedError and LandingError as ``jobs.landing.check`` does."""
    return landed_lines("stock", spark=spark, source=source, store=store, interval=interval)


STEP = Step(
    reads=(), writes=(Write(STOCK, SUITE, LandedDays()),), build=build, takes=("spark", "source", "store", "interval"), feed="stock"
)
