"""Expectations of ``gold.activations``."""

import great_expectations.expectations as gxe

from expectations.silver.contact_points import of_contact_points
from expectations.suite import Suite
from expectations.vocabulary import CHANNELS

SUITE = Suite(
    "gold.activations",
    (
        gxe.ExpectCompoundColumnsToBeUnique(
            column_list=["as_of_date", "user_id", "channel", "audience", "kind", "value_sha256"], severity="critical"
        ),
        gxe.ExpectColumnValuesToBeInSet(column="channel", value_set=list(CHANNELS), severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="audience", severity="critical"),
        *of_contact_points(),
    ),
)
