"""Expectations of ``gold.daily_item_stats``."""

import great_expectations.expectations as gxe

from expectations.suite import Suite

_COUNTS = ("view_count", "wishlist_count", "cart_count", "order_count", "units_sold", "units_refunded")

SUITE = Suite(
    "gold.daily_item_stats",
    (
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["event_date", "item_id"], severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="item_id", severity="critical"),
        *[gxe.ExpectColumnValuesToBeBetween(column=name, min_value=0, severity="critical") for name in _COUNTS],
        gxe.ExpectColumnValuesToBeBetween(column="revenue_minor", min_value=0, severity="critical"),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="units_sold", column_B="order_count", or_equal=True, severity="critical"),
    ),
)
