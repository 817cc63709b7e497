"""Expectations of ``silver.contacts``."""

import great_expectations.expectations as gxe

from expectations.silver.contact_points import of_contact_points
from expectations.suite import Suite

SUITE = Suite(
    "silver.contacts",
    (
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["user_id", "kind", "value_sha256", "valid_from"], severity="critical"),
        *of_contact_points(),
        gxe.ExpectColumnValuesToNotBeNull(column="valid_from", severity="critical"),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="valid_to", column_B="valid_from", ignore_row_if="either_value_is_missing", severity="critical"
        ),
    ),
)
