"""What the rows of ``gold.membership_changes`` must meet."""

from great_expectations import expectations as gxe

from expectations.suite import Suite
from expectations.vocabulary import SCHEMES

SUITE = Suite(
    table="gold.membership_changes",
    expectations=(
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["as_of_date", "user_id", "scheme"], severity="critical"),
        *[gxe.ExpectColumnValuesToNotBeNull(column=name, severity="critical") for name in ("user_id", "to_segment", "compared_date")],
        gxe.ExpectColumnValuesToBeInSet(column="scheme", value_set=list(SCHEMES), severity="critical"),
    ),
)
