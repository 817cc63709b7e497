"""Expectations of ``silver.consent_decisions`` and its rejected twin."""

import great_expectations.expectations as gxe

from expectations.silver.rejected import rejected_suite
from expectations.suite import Suite
from expectations.vocabulary import PURPOSES

SUITE = Suite(
    "silver.consent_decisions",
    (
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["landed_date", "user_id", "purpose", "decided_at"], severity="critical"),
        *[gxe.ExpectColumnValuesToNotBeNull(column=name, severity="critical") for name in ("user_id", "decided_at", "is_granted")],
        gxe.ExpectColumnValuesToBeInSet(column="purpose", value_set=list(PURPOSES), severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="delivery_count", min_value=1, severity="critical"),
    ),
)
REJECTED_SUITE = rejected_suite("silver.consent_decisions_rejected")
