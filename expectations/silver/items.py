"""Expectations of ``silver.items``."""

import great_expectations.expectations as gxe

from expectations.suite import Suite

SUITE = Suite(
    "silver.items",
    (
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["item_id", "valid_from"], severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="item_id", severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="valid_from", severity="critical"),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="valid_to", column_B="valid_from", ignore_row_if="either_value_is_missing", severity="critical"
        ),
        gxe.ExpectColumnValuesToBeBetween(column="unit_price_minor", min_value=0, severity="critical"),
    ),
)
