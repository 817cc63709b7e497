"""A release holds tables that passed, judged by the snapshot that it shows."""

import pytest
from pyspark.sql import SparkSession

from jobs.errors import BadDataError
from jobs.ops.quality_results import QUALITY_RESULTS
from jobs.release.quality import require_passed, verdicts

PASSED = {"evaluated": 2, "critical_failed": 0, "warnings": 1}


def test_results_of_a_failed_attempt_do_not_count_against_the_snapshot_that_passed(spark: SparkSession) -> None:
    rows = [
        ("run", 1, "gold.cups", 1, "unique", "cup_id", "critical", False, "{}", "{}"),
        ("run", 2, "gold.cups", 2, "unique", "cup_id", "critical", True, "{}", None),
        ("run", 2, "gold.cups", 2, "between", "fill", "warning", False, "{}", "{}"),
    ]
    assert verdicts(spark.createDataFrame(rows, QUALITY_RESULTS.struct()), {"gold.cups": 2, "bronze.events": 7}) == {"gold.cups": PASSED}


def test_a_table_that_was_never_audited_is_not_released() -> None:
    with pytest.raises(BadDataError, match=r"gold\.mugs was never audited"):
        require_passed({"gold.cups": 2, "gold.mugs": 3}, {"gold.cups": PASSED})


def test_a_table_that_failed_is_not_released() -> None:
    with pytest.raises(BadDataError, match=r"gold\.cups \(1 critical\)"):
        require_passed({"gold.cups": 2}, {"gold.cups": PASSED | {"critical_failed": 1}})
