"""What the rows of ``gold.user_segments`` must meet."""

from great_expectations import expectations as gxe

from expectations.suite import Suite
from expectations.vocabulary import SCHEMES
from jobs.segmentation.rfm import SEGMENTS

_QUINTILES = ("recency_quintile", "frequency_quintile", "monetary_quintile")

SUITE = Suite(
    table="gold.user_segments",
    expectations=(
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["as_of_date", "user_id"], severity="critical"),
        *[
            gxe.ExpectColumnValuesToNotBeNull(column=name, severity="critical")
            for name in ("user_id", *[f"{scheme}_segment" for scheme in SCHEMES])
        ],
        *[gxe.ExpectColumnValuesToBeBetween(column=name, min_value=1, max_value=5, severity="critical") for name in _QUINTILES],
        gxe.ExpectColumnValuesToBeInSet(column="monetary_basis", value_set=["spend", "units"], severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="rfm_segment", value_set=[segment.name for segment in SEGMENTS], severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="behaviour_cluster_id", min_value=0, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="taste_cluster_id", min_value=0, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="density_cluster_id", min_value=0, severity="critical"),
        gxe.ExpectColumnUniqueValueCountToBeBetween(column="rfm_segment", min_value=2, severity="warning"),
    ),
)
