"""Expectations of ``gold.daily_funnels``."""

import great_expectations.expectations as gxe

from expectations.suite import Suite


def _at_most(part: str, whole: str) -> gxe.ExpectColumnPairValuesAToBeGreaterThanB:
    return gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A=whole, column_B=part, or_equal=True, severity="critical")


SUITE = Suite(
    "gold.daily_funnels",
    (
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["event_date", "basis", "channel"], severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="basis", value_set=["session", "user_day"], severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="visit_count", min_value=1, severity="critical"),
        _at_most("viewed_count", "visit_count"),
        _at_most("carted_count", "visit_count"),
        _at_most("purchased_count", "visit_count"),
        _at_most("viewed_then_carted_count", "carted_count"),
        _at_most("viewed_then_carted_then_purchased_count", "viewed_then_carted_count"),
    ),
)
