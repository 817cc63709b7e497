"""Expectations of ``gold.interactions``."""

import great_expectations.expectations as gxe

from expectations.suite import Suite

SUITE = Suite(
    "gold.interactions",
    (
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["event_date", "user_id", "item_id", "event_type"], severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="user_id", severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="item_id", severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="event_count", min_value=1, severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="last_at", severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="quantity", min_value=0, severity="critical"),
    ),
)
