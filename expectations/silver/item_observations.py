"""Expectations of ``silver.item_observations`` and its rejected twin."""

import great_expectations.expectations as gxe

from expectations.silver.rejected import rejected_suite
from expectations.suite import Suite

SUITE = Suite(
    "silver.item_observations",
    (
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["observed_date", "item_id", "landed_date"], severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="item_id", severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="observed_at", severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="is_on_sale", severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="unit_price_minor", min_value=0, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="delivery_count", min_value=1, severity="critical"),
    ),
)
REJECTED_SUITE = rejected_suite("silver.item_observations_rejected")
