"""Expectations of ``gold.recommendations``."""

import great_expectations.expectations as gxe

from expectations.suite import Suite

MODELS = (
    "als",
    "bpr",
    "category_popularity",
    "content",
    "ease",
    "exploration",
    "hybrid",
    "item2vec",
    "item_neighbours",
    "markov",
    "popularity",
    "rules",
    "sasrec",
    "segment_popularity",
    "unpersonal_popularity",
    "user_neighbours",
    "vmis_knn",
)
"""Models that may fill a place."""

SUITE = Suite(
    "gold.recommendations",
    (
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["as_of_date", "user_id", "rank"], severity="critical"),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["as_of_date", "user_id", "item_id"], severity="critical"),
        *[gxe.ExpectColumnValuesToNotBeNull(column=name, severity="critical") for name in ("user_id", "item_id", "rank", "score")],
        gxe.ExpectColumnValuesToBeBetween(column="rank", min_value=1, max_value=20, severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="model", value_set=list(MODELS), severity="critical"),
        *[
            gxe.ExpectColumnValuesToBeBetween(
                column=f"because_share_{place}", min_value=0, strict_min=True, max_value=1, severity="critical"
            )
            for place in (1, 2, 3)
        ],
        # In a shop that sells fewer than twenty items a user has not bought, slates are short: worth a look, not a stop.
        gxe.ExpectColumnMeanToBeBetween(column="rank", min_value=10.5, max_value=10.5, severity="warning"),
    ),
)
"""A user whose ranks are 1 to 20 has a mean rank of 10.5; with unique ranks in that range the mean over all rows is 10.5 exactly when whole
slates are the rule."""
