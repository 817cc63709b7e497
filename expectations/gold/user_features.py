"""What the rows of ``gold.user_features`` must meet."""

from great_expectations import expectations as gxe

from expectations.suite import Suite

_COUNTS = (
    "tenure_days",
    "recency_days",
    "event_count",
    "order_count",
    "orders_30d",
    "units_bought",
    "refund_count",
    "view_count",
    "wishlist_count",
    "add_to_cart_count",
    "purchase_line_count",
    "distinct_items",
    "distinct_categories",
)
_SHARES = ("view_share", "wishlist_share", "add_to_cart_share", "purchase_share", "top_category_share", "weekend_share", "night_share")
_ORDERED = (
    ("tenure_days", "recency_days"),
    ("event_count", "events_30d"),
    ("events_30d", "events_7d"),
    ("order_count", "orders_30d"),
    ("purchase_line_count", "order_count"),
    ("distinct_items", "distinct_categories"),
)

SUITE = Suite(
    table="gold.user_features",
    expectations=(
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["as_of_date", "user_id"], severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="user_id", severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="last_event_date", severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="active_days", min_value=1, severity="critical"),
        *[gxe.ExpectColumnValuesToBeBetween(column=name, min_value=0, severity="critical") for name in _COUNTS],
        *[gxe.ExpectColumnValuesToBeBetween(column=name, min_value=0, max_value=1, severity="critical") for name in _SHARES],
        *[
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A=more, column_B=less, or_equal=True, ignore_row_if="either_value_is_missing", severity="critical"
            )
            for more, less in _ORDERED
        ],
        gxe.ExpectColumnValuesToBeBetween(column="active_hour", min_value=0, max_value=23, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="mean_order_minor", min_value=0, severity="warning"),
        gxe.ExpectColumnValuesToBeBetween(column="spend_minor", min_value=0, mostly=0.98, severity="warning"),
        gxe.ExpectColumnValuesToBeBetween(column="event_count", min_value=1, severity="warning"),
    ),
)
