"""Expectations of ``silver.events`` and its rejected twin."""

import great_expectations.expectations as gxe

from expectations.silver.rejected import rejected_suite
from expectations.suite import Suite
from expectations.vocabulary import EVENT_TYPES, TIME_RESOLUTIONS

SUITE = Suite(
    "silver.events",
    (
        gxe.ExpectTableRowCountToBeBetween(min_value=1, severity="critical"),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["event_date", "event_id"], severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="event_id", severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="occurred_at", severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(
            column="event_type",
            value_set=list(EVENT_TYPES),
            severity="critical",
        ),
        gxe.ExpectColumnValuesToBeInSet(column="time_resolution", value_set=list(TIME_RESOLUTIONS), severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="unit_price_minor", min_value=0, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="quantity", min_value=1, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="delivery_count", min_value=1, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="exposure_propensity", min_value=0, max_value=1, strict_min=True, severity="critical"),
        gxe.ExpectColumnValueLengthsToEqual(column="user_id", value=32, severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="user_id", mostly=0.3, severity="warning"),
    ),
)
REJECTED_SUITE = rejected_suite("silver.events_rejected")
