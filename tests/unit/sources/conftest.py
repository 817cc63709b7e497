"""What every test of a source needs."""

from functools import partial

import pytest
from pyspark.sql import SparkSession

from tests.parsed_lines import Parsed, parsed_lines


@pytest.fixture(scope="session")
def parsed(spark: SparkSession) -> Parsed:
    """``parsed(source, canonical, lines)``: the rows that ``parse`` gives."""
    return partial(parsed_lines, spark)
