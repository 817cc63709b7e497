"""What the rows of ``gold.user_tags`` must meet."""

from great_expectations import expectations as gxe

from expectations.suite import Suite
from expectations.vocabulary import TAG_SCOPES

SUITE = Suite(
    table="gold.user_tags",
    expectations=(
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["as_of_date", "user_id", "tag"], severity="critical"),
        *[gxe.ExpectColumnValuesToNotBeNull(column=name, severity="critical") for name in ("user_id", "tag", "owner")],
        gxe.ExpectColumnValuesToBeInSet(column="scope", value_set=list(TAG_SCOPES), severity="critical"),
    ),
)
