"""Expectations of ``silver.sessions``."""

import great_expectations.expectations as gxe

from expectations.suite import Suite

SUITE = Suite(
    "silver.sessions",
    (
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["session_date", "session_id"], severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="started_at", severity="critical"),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="ended_at", column_B="started_at", or_equal=True, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="duration_seconds", min_value=0, max_value=172_800, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="event_count", min_value=1, severity="critical"),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="event_count", column_B="distinct_items", or_equal=True, severity="critical"),
    ),
)
