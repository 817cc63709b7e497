"""What the rows of ``gold.item_features`` must meet."""

from great_expectations import expectations as gxe

from expectations.suite import Suite

_FROM_ZERO = (
    "unit_price_minor",
    "relative_price",
    "age_days",
    "recency_days",
    "views_7d",
    "carts_30d",
    "purchase_lines_30d",
    "units_7d",
    "revenue_30d_minor",
    "viewers_30d",
    "buyers_90d",
    "cart_by_view",
    "purchase_by_view",
    "refund_unit_share",
    "trend",
)
_SHARES = ("discount_share", "repeat_buyer_share")
_ORDERED = (
    *[(f"{what}_{more}d", f"{what}_{less}d") for what in ("views", "units") for more, less in ((365, 90), (90, 30), (30, 7))],
    ("revenue_365d_minor", "revenue_90d_minor"),
    ("revenue_90d_minor", "revenue_30d_minor"),
    ("carts_90d", "carts_30d"),
    ("purchase_lines_90d", "purchase_lines_30d"),
    ("units_90d", "purchase_lines_90d"),
    ("views_30d", "viewers_30d"),
    ("purchase_lines_90d", "buyers_90d"),
    ("age_days", "recency_days"),
)

SUITE = Suite(
    table="gold.item_features",
    expectations=(
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["as_of_date", "item_id"], severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="item_id", severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="first_seen_date", severity="critical"),
        *[gxe.ExpectColumnValuesToBeBetween(column=name, min_value=0, severity="critical") for name in _FROM_ZERO],
        *[gxe.ExpectColumnValuesToBeBetween(column=name, min_value=0, max_value=1, severity="critical") for name in _SHARES],
        *[
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A=more, column_B=less, or_equal=True, ignore_row_if="either_value_is_missing", severity="critical"
            )
            for more, less in _ORDERED
        ],
    ),
)
