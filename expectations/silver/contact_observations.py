"""Expectations of ``silver.contact_observations`` and its rejected twin."""

import great_expectations.expectations as gxe

from expectations.silver.contact_points import of_contact_points
from expectations.silver.rejected import rejected_suite
from expectations.suite import Suite

SUITE = Suite(
    "silver.contact_observations",
    (
        gxe.ExpectCompoundColumnsToBeUnique(
            column_list=["landed_date", "user_id", "kind", "value_sha256", "observed_at"], severity="critical"
        ),
        *of_contact_points(),
        *[gxe.ExpectColumnValuesToNotBeNull(column=name, severity="critical") for name in ("observed_at", "is_active")],
        gxe.ExpectColumnValuesToBeBetween(column="delivery_count", min_value=1, severity="critical"),
    ),
)
REJECTED_SUITE = rejected_suite("silver.contact_observations_rejected")
