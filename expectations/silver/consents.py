"""Expectations of ``silver.consents``."""

import great_expectations.expectations as gxe

from expectations.suite import Suite
from expectations.vocabulary import PURPOSES

SUITE = Suite(
    "silver.consents",
    (
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["user_id", "purpose", "valid_from"], severity="critical"),
        *[gxe.ExpectColumnValuesToNotBeNull(column=name, severity="critical") for name in ("user_id", "is_granted", "valid_from")],
        gxe.ExpectColumnValuesToBeInSet(column="purpose", value_set=list(PURPOSES), severity="critical"),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="valid_to", column_B="valid_from", ignore_row_if="either_value_is_missing", severity="critical"
        ),
    ),
)
