"""What the rows of ``gold.tag_sizes`` must meet."""

from great_expectations import expectations as gxe

from expectations.suite import Suite
from expectations.vocabulary import TAG_SCOPES

SUITE = Suite(
    table="gold.tag_sizes",
    expectations=(
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["as_of_date", "tag"], severity="critical"),
        *[gxe.ExpectColumnValuesToNotBeNull(column=name, severity="critical") for name in ("tag", "owner", "meaning")],
        gxe.ExpectColumnValuesToBeInSet(column="scope", value_set=list(TAG_SCOPES), severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="user_count", min_value=0, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="user_share", min_value=0, max_value=1, severity="critical"),
    ),
)
