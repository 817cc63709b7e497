"""Expectations of ``silver.order_lines`` and its rejected twin."""

import great_expectations.expectations as gxe

from expectations.silver.rejected import rejected_suite
from expectations.suite import Suite
from expectations.vocabulary import ORDER_LINE_KINDS

SUITE = Suite(
    "silver.order_lines",
    (
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["ordered_date", "order_line_id"], severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="order_id", severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="item_id", severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="ordered_at", severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="kind", value_set=list(ORDER_LINE_KINDS), severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="quantity", min_value=1, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="unit_price_minor", min_value=0, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="discount_minor", min_value=0, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="delivery_count", min_value=1, severity="critical"),
        gxe.ExpectColumnValueLengthsToEqual(column="user_id", value=32, severity="critical"),
    ),
)
REJECTED_SUITE = rejected_suite("silver.order_lines_rejected")
