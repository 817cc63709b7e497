"""What the rows of ``gold.user_features`` must meet."""

from great_expectations import expectations as gxe

from expectations.suite import Suite
from expectations.vocabulary import PRICE_BANDS

_FROM_ZERO = (
    "tenure_days",
    "recency_days",
    "event_count",
    "events_7d",
    "order_count",
    "orders_7d",
    "active_days_7d",
    "units_bought",
    "units_30d",
    "refund_count",
    "refunded_units",
    "view_count",
    "wishlist_count",
    "add_to_cart_count",
    "purchase_line_count",
    "distinct_items",
    "distinct_categories",
    "distinct_channels",
    "deviation_days_between_orders",
    "order_overdue_ratio",
    "relative_price",
    "cart_by_view",
    "purchase_by_cart",
    "refund_unit_share",
    "refund_value_share",
)
_FROM_ONE = ("active_days", "mean_days_between_orders", "mean_days_between_visits", "mean_order_units", "mean_order_lines")
_SHARES = (
    "view_share",
    "wishlist_share",
    "add_to_cart_share",
    "purchase_share",
    "top_category_share",
    "weekend_share",
    "night_share",
    "morning_share",
    "afternoon_share",
    "evening_share",
    "top_channel_share",
    "discount_share",
    "discounted_line_share",
)
_ORDERED = (
    ("tenure_days", "recency_days"),
    *[
        pair
        for what in ("events", "active_days", "orders")
        for pair in ((f"{what}_{more}d", f"{what}_{less}d") for more, less in ((365, 90), (90, 30), (30, 7)))
    ],
    ("event_count", "events_365d"),
    ("active_days", "active_days_365d"),
    ("order_count", "orders_365d"),
    ("event_count", "events_30d"),
    ("order_count", "orders_30d"),
    ("units_bought", "units_30d"),
    ("purchase_line_count", "order_count"),
    ("distinct_items", "distinct_categories"),
)

SUITE = Suite(
    table="gold.user_features",
    expectations=(
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["as_of_date", "user_id"], severity="critical"),
        *[
            gxe.ExpectColumnValuesToNotBeNull(column=name, severity="critical")
            for name in ("user_id", "last_event_date", "events_365d", "active_days_365d", "orders_365d")
        ],
        *[gxe.ExpectColumnValuesToBeBetween(column=name, min_value=1, severity="critical") for name in _FROM_ONE],
        *[gxe.ExpectColumnValuesToBeBetween(column=name, min_value=0, severity="critical") for name in _FROM_ZERO],
        *[gxe.ExpectColumnValuesToBeBetween(column=name, min_value=0, max_value=1, severity="critical") for name in _SHARES],
        *[
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A=more, column_B=less, or_equal=True, ignore_row_if="either_value_is_missing", severity="critical"
            )
            for more, less in _ORDERED
        ],
        gxe.ExpectColumnValuesToBeBetween(column="active_hour", min_value=0, max_value=23, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="active_weekday", min_value=1, max_value=7, severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="price_band", value_set=list(PRICE_BANDS), severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="mean_order_minor", min_value=0, severity="warning"),
        gxe.ExpectColumnValuesToBeBetween(column="spend_minor", min_value=0, mostly=0.98, severity="warning"),
        gxe.ExpectColumnValuesToBeBetween(column="event_count", min_value=1, severity="warning"),
    ),
)
