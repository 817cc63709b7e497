"""Expectations of ``silver.stock`` and its rejected twin."""

import great_expectations.expectations as gxe

from expectations.silver.rejected import rejected_suite
from expectations.suite import Suite

MOST_IN_STOCK = 100_000_000
"""Largest believable count of an item at one location, and the most that may have been sold beyond what was there."""

SUITE = Suite(
    "silver.stock",
    (
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["observed_date", "item_id", "location_id", "landed_date"], severity="critical"),
        *[
            gxe.ExpectColumnValuesToNotBeNull(column=name, severity="critical")
            for name in ("item_id", "location_id", "observed_at", "quantity")
        ],
        gxe.ExpectColumnValuesToBeBetween(column="quantity", min_value=-MOST_IN_STOCK, max_value=MOST_IN_STOCK, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="delivery_count", min_value=1, severity="critical"),
    ),
)
REJECTED_SUITE = rejected_suite("silver.stock_rejected")
