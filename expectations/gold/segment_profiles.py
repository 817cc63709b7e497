"""What the rows of ``gold.segment_profiles`` must meet."""

from great_expectations import expectations as gxe

from expectations.suite import Suite
from expectations.vocabulary import SCHEMES

_SHARES = ("user_share", "buyer_share")
_TEXTS = ("segment", "distinguishing", "meaning", "action")

SUITE = Suite(
    table="gold.segment_profiles",
    expectations=(
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["as_of_date", "scheme", "segment"], severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="scheme", value_set=list(SCHEMES), severity="critical"),
        *[gxe.ExpectColumnValuesToNotBeNull(column=name, severity="critical") for name in _TEXTS],
        gxe.ExpectColumnValuesToBeBetween(column="user_count", min_value=1, severity="critical"),
        *[gxe.ExpectColumnValuesToBeBetween(column=name, min_value=0, max_value=1, severity="critical") for name in _SHARES],
        gxe.ExpectColumnValuesToBeBetween(column="mean_recency_days", min_value=0, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="spend_share", min_value=0, max_value=1, severity="warning"),
    ),
)
