"""``gold.user_features``: what is known about each user at the end of a day, from what had landed by then."""

from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from expectations.gold.user_features import SUITE
from expectations.vocabulary import PRICE_BANDS
from jobs.contract import Column, Table
from jobs.gold.activity import WINDOWS, activity, ratio, refunded, said_by, sold, tasted, within
from jobs.silver.events import EVENTS
from jobs.silver.item_observations import ITEM_OBSERVATIONS
from jobs.silver.order_lines import ORDER_LINES
from jobs.step import AsOf, Read, Step, Write

TOP_CATEGORIES = 30
"""Most categories that a user's row carries."""

LEAST_AFFINITY_EVENTS, MOST_AFFINITIES = 3, 5
"""A user's events with a category or brand from which on its lift is told, and how many lifts a row carries."""

BUDGET_BELOW, PREMIUM_FROM = 0.8, 1.25
"""Bounds of the price bands, in multiples of the usual price."""

MOST_CHANNELS = 10_000
"""Channels that a count of one user's channels keeps in mind: exact while there are no more."""

SHARE = 1e-6
_EXACT = "decimal(38,6)"
HOURS = (6, 12, 18, 22)
"""Hours at which morning, afternoon, evening and night begin."""

USER_FEATURES = Table(
    name="gold.user_features",
    doc=(
        "One row a user and as-of day, for every user with an event or order line by then. Uses only rows that had landed by that day and "
        "happened by it. Purchases and refunds are order lines, everything else is silver.events, so that nothing is counted twice. "
        "Guests are absent. Days and hours are UTC; the last N days end with the as-of day and include it. Columns after active_hour are "
        "NULL in rows from before they were added; otherwise only where their meaning says so. No source tells the device of an event, so "
        "nothing here does."
    ),
    columns=(
        Column("as_of_date", "date", "Day at whose end the row was true."),
        Column("user_id", "string", "Pseudonym of the user."),
        Column("first_event_date", "date", "Day of the first event or order line."),
        Column("last_event_date", "date", "Day of the last event or order line."),
        Column("tenure_days", "int", "Days from the first one to the as-of day."),
        Column("recency_days", "int", "Days from the last one to the as-of day."),
        Column("purchase_recency_days", "int", "Days from the last purchase to the as-of day; NULL without one.", nullable=True),
        Column("event_count", "bigint", "Events, with order lines as purchases and refunds."),
        Column("active_days", "bigint", "Different days with an event or order line."),
        Column("events_7d", "bigint", "Events of the last 7 days."),
        Column("events_30d", "bigint", "Events of the last 30 days."),
        Column("order_count", "bigint", "Different orders with a sale."),
        Column("orders_30d", "bigint", "Different orders with a sale in the last 30 days."),
        Column("units_bought", "bigint", "Pieces bought, refunded ones included."),
        Column("spend_minor", "bigint", "Sales less discounts and refunds, minor units; NULL when no line has a price.", nullable=True),
        Column("spend_30d_minor", "bigint", "The same for the last 30 days.", nullable=True),
        Column("mean_order_minor", "bigint", "Sales before refunds by order, rounded; NULL without a priced sale.", nullable=True),
        Column(
            "mean_days_between_orders", "double", "Mean days between days with an order; NULL below two.", nullable=True, tolerance=SHARE
        ),
        Column("refund_count", "bigint", "Refunded order lines."),
        Column("view_count", "bigint", "Item pages viewed."),
        Column("wishlist_count", "bigint", "Items put on a wish list."),
        Column("add_to_cart_count", "bigint", "Items put into a cart."),
        Column("purchase_line_count", "bigint", "Order lines sold."),
        Column("view_share", "double", "view_count by event_count; 0 without events.", tolerance=SHARE),
        Column("wishlist_share", "double", "wishlist_count by event_count.", tolerance=SHARE),
        Column("add_to_cart_share", "double", "add_to_cart_count by event_count.", tolerance=SHARE),
        Column("purchase_share", "double", "purchase_line_count by event_count.", tolerance=SHARE),
        Column("distinct_items", "bigint", "Different items clicked, viewed, wished for, put into a cart or bought."),
        Column("distinct_categories", "bigint", "Different categories of those items, as the catalogue knew them on the as-of day."),
        Column("top_category_id", "string", "Category with most of those events; the lowest id of equals.", nullable=True),
        Column("top_category_share", "double", "Its share of those events with a known category.", nullable=True, tolerance=SHARE),
        Column(
            "top_categories",
            "array<struct<category_id:string,event_count:bigint>>",
            f"The {TOP_CATEGORIES} categories with most of those events, falling, equals by id.",
        ),
        Column("weekend_share", "double", "Share of events on Saturdays and Sundays.", tolerance=SHARE),
        Column(
            "night_share",
            "double",
            "Share from 22:00 to 06:00 of events whose second is known; NULL without.",
            nullable=True,
            tolerance=SHARE,
        ),
        Column("active_hour", "int", "Hour with most events whose second is known, the earliest of equals; NULL without.", nullable=True),
        Column("events_90d", "bigint", "Events of the last 90 days.", nullable=True),
        Column("events_365d", "bigint", "Events of the last 365 days.", nullable=True),
        *[
            Column(f"active_days_{days}d", "bigint", f"Different days with an event or order line of the last {days} days.", nullable=True)
            for days in WINDOWS
        ],
        Column("orders_7d", "bigint", "Different orders with a sale in the last 7 days.", nullable=True),
        Column("orders_90d", "bigint", "Different orders with a sale in the last 90 days.", nullable=True),
        Column("orders_365d", "bigint", "Different orders with a sale in the last 365 days.", nullable=True),
        Column("units_30d", "bigint", "Pieces bought in the last 30 days, refunded ones included.", nullable=True),
        *[
            Column(f"spend_{days}d_minor", "bigint", f"spend_minor of the last {days} days alone.", nullable=True)
            for days in WINDOWS
            if days != 30
        ],
        Column(
            "mean_days_between_visits",
            "double",
            "Mean days between days with an event or order line; NULL below two.",
            nullable=True,
            tolerance=SHARE,
        ),
        Column(
            "deviation_days_between_orders",
            "double",
            "Standard deviation (of the population) of the days between days with an order; NULL below three.",
            nullable=True,
            tolerance=SHARE,
        ),
        Column(
            "order_overdue_ratio",
            "double",
            "purchase_recency_days by mean_days_between_orders, above 1 when later than usual; NULL without.",
            nullable=True,
            tolerance=SHARE,
        ),
        Column("mean_order_units", "double", "Pieces by order; NULL without orders.", nullable=True, tolerance=SHARE),
        Column("mean_order_lines", "double", "Lines sold by order; NULL without orders.", nullable=True, tolerance=SHARE),
        Column(
            "category_affinities",
            "array<struct<category_id:string,lift:double>>",
            "Lift of categories: of the events that top_categories counts, the share with a category by its share among all users, rounded "
            f"to 4 decimals. Categories with {LEAST_AFFINITY_EVENTS} of the user's events at least; falling, equals by id, at most "
            f"{MOST_AFFINITIES}.",
            nullable=True,
        ),
        Column("brand_affinities", "array<struct<brand:string,lift:double>>", "The same of brands.", nullable=True),
        Column(
            "relative_price",
            "double",
            "Sales before discounts by what as many pieces cost in their categories at the mean price of all users' sales; NULL without a "
            "priced sale of a known category.",
            nullable=True,
            tolerance=SHARE,
        ),
        Column(
            "price_band",
            "string",
            f"By relative_price: budget below {BUDGET_BELOW}, premium from {PREMIUM_FROM} on, middle between; NULL where it is.",
            nullable=True,
        ),
        Column("discount_share", "double", "Discounts by priced sales before discounts; NULL without.", nullable=True, tolerance=SHARE),
        Column(
            "discounted_line_share", "double", "Lines sold with a discount by lines sold; NULL without.", nullable=True, tolerance=SHARE
        ),
        Column(
            "active_weekday",
            "int",
            "Weekday with most events, 1 for Monday to 7, the lowest of equals; NULL without events.",
            nullable=True,
        ),
        *[
            Column(
                f"{part}_share",
                "double",
                f"Share from {hours} of events whose second is known; NULL without.",
                nullable=True,
                tolerance=SHARE,
            )
            for part, hours in (("morning", "06:00 to 12:00"), ("afternoon", "12:00 to 18:00"), ("evening", "18:00 to 22:00"))
        ],
        Column(
            "top_channel",
            "string",
            "Channel of most events and order lines with a known one, the first by name of equals; NULL without.",
            nullable=True,
        ),
        Column("top_channel_share", "double", "Its share of those; NULL without.", nullable=True, tolerance=SHARE),
        Column("distinct_channels", "bigint", "Different channels of events and order lines.", nullable=True),
        Column(
            "cart_by_view", "double", "add_to_cart_count by view_count, may be above 1; NULL without views.", nullable=True, tolerance=SHARE
        ),
        Column(
            "purchase_by_cart",
            "double",
            "purchase_line_count by add_to_cart_count, may be above 1; NULL without carts.",
            nullable=True,
            tolerance=SHARE,
        ),
        Column("refunded_units", "bigint", "Pieces refunded.", nullable=True),
        Column(
            "refund_unit_share",
            "double",
            "Pieces refunded by pieces bought, above 1 where the purchase came before the data; NULL without purchases.",
            nullable=True,
            tolerance=SHARE,
        ),
        Column(
            "refund_value_share",
            "double",
            "Refunds by sales, both less discounts, may be above 1 likewise; NULL without a priced sale.",
            nullable=True,
            tolerance=SHARE,
        ),
    ),
    key=("as_of_date", "user_id"),
    partitioned_by="as_of_date",
)


def build(events: DataFrame, order_lines: DataFrame, observations: DataFrame, *, as_of: date) -> DataFrame:
    """One row a user with anything known by ``as_of``; two shuffles by user and one by item, and small ones of what all users did."""
    known = activity(events, order_lines, as_of=as_of).where(F.col("user_id").isNotNull())
    features = known.groupBy("user_id").agg(*_sums(as_of)).join(_tastes(known, observations, as_of=as_of), "user_id", "left")
    counted = features.withColumns(_windows(as_of))
    derived = {**_rhythm(as_of), **_money(), **_habits(), **_likes()}
    return counted.select(*[derived.get(name, F.col(name)).alias(name) for name in USER_FEATURES.column_names])


_ACTS = {"view": "view_count", "wishlist": "wishlist_count", "add_to_cart": "add_to_cart_count", "purchase": "purchase_line_count"}


def _sums(as_of: date) -> Sequence[SparkColumn]:
    counted, kind, day, hour = F.col("is_counted"), F.col("event_type"), F.col("active_date"), F.col("hour")
    is_line, is_priced = sold() | refunded(), sold() & F.col("gross_minor").isNotNull()
    net = F.col("gross_minor") - F.col("discount_minor")
    signed = F.when(sold(), net).when(refunded(), -net)
    morning, afternoon, evening, night = HOURS
    orders = F.collect_set(F.when(sold(), F.struct("order_id", "active_date")))
    channels = F.call_function("approx_top_k", F.when(counted, F.col("channel")), F.lit(MOST_CHANNELS), F.lit(MOST_CHANNELS))

    def total(condition: SparkColumn, value: SparkColumn, name: str) -> SparkColumn:
        return F.sum(F.when(condition, value)).alias(name)

    def pieces(condition: SparkColumn, name: str) -> SparkColumn:
        return F.coalesce(F.sum(F.when(condition, F.col("quantity"))), F.lit(0).cast("bigint")).alias(name)

    def of_window(days: int) -> Sequence[SparkColumn]:
        inside = within(day, days, as_of=as_of)
        events = F.count_if(counted & inside).alias(f"events_{days}d")
        return events, total(inside, signed, f"_spend_{days}d"), F.count_if(is_line & inside).alias(f"_lines_{days}d")

    return (
        F.min("active_date").alias("first_event_date"),
        F.max("active_date").alias("last_event_date"),
        F.count_if(counted).alias("event_count"),
        F.collect_set("active_date").alias("_active_dates"),
        orders.alias("_orders"),
        F.array_sort(F.array_distinct(F.transform(orders, lambda one: one["active_date"]))).alias("_ordered_dates"),
        *[column for days in WINDOWS for column in of_window(days)],
        pieces(sold(), "units_bought"),
        pieces(sold() & within(day, 30, as_of=as_of), "units_30d"),
        pieces(refunded(), "refunded_units"),
        F.sum(signed).alias("_spend"),
        F.count_if(is_line).alias("_lines"),
        total(sold(), net, "_sold_minor"),
        total(refunded(), net, "_refunded_minor"),
        total(is_priced, F.col("gross_minor"), "_gross_minor"),
        total(is_priced, F.col("discount_minor"), "_discount_minor"),
        F.count_if(sold() & (F.col("discount_minor") > 0)).alias("_discounted"),
        F.count_if(refunded()).alias("refund_count"),
        F.count_if(kind == "view_item").alias("view_count"),
        F.count_if(kind == "add_to_wishlist").alias("wishlist_count"),
        F.count_if(kind == "add_to_cart").alias("add_to_cart_count"),
        F.count_if(sold()).alias("purchase_line_count"),
        F.count_if(counted & F.dayofweek(day).isin(1, 7)).alias("_weekend"),
        F.mode(F.when(counted, F.weekday(day) + 1), deterministic=True).alias("active_weekday"),
        F.count("hour").alias("_timed"),
        F.count_if((hour >= morning) & (hour < afternoon)).alias("_morning"),
        F.count_if((hour >= afternoon) & (hour < evening)).alias("_afternoon"),
        F.count_if((hour >= evening) & (hour < night)).alias("_evening"),
        F.count_if((hour < morning) | (hour >= night)).alias("_night"),
        F.mode(hour, deterministic=True).alias("active_hour"),
        F.count_if(counted & F.col("channel").isNotNull()).alias("_with_channel"),
        F.filter(channels, lambda one: one["item"].isNotNull()).alias("_channels"),
    )


def _tastes(known: DataFrame, observations: DataFrame, *, as_of: date) -> DataFrame:
    """One row a user: categories and brands of what they touched, beside what all users touched and paid."""
    catalogue = said_by(observations, "category_id", "brand", as_of=as_of)
    units = F.when(F.col("gross_minor").isNotNull(), F.col("quantity")).alias("units")
    liked = known.where(tasted() & F.col("item_id").isNotNull()).select("user_id", "item_id", units, "gross_minor").repartition("user_id")
    sums = (F.count("*").alias("event_count"), F.sum("units").alias("units"), F.sum("gross_minor").alias("gross_minor"))
    by_user = _by_word(liked.groupBy("user_id", "item_id").agg(*sums), catalogue, "user_id")
    by_all = _by_word(liked.groupBy("item_id").agg(*sums), catalogue).where(F.col("word").isNotNull())
    population = by_all.select(
        *("kind", "word"),
        (F.col("event_count") / F.sum("event_count").over(Window.partitionBy("kind"))).alias("usual_share"),
        ratio("gross_minor", "units").alias("usual_minor"),
    )
    return by_user.join(F.broadcast(population), ["kind", "word"], "left").groupBy("user_id").agg(*_taste_sums())


def _by_word(by_item: DataFrame, catalogue: DataFrame, *keys: str) -> DataFrame:
    """The sums of ``by_item`` by category and, beside it, by brand; ``word`` is NULL for what is not known."""
    words = F.array(*[F.struct(F.lit(kind).alias("kind"), F.col(kind).alias("word")) for kind in ("category_id", "brand")])
    rows = by_item.join(catalogue, "item_id", "left").select(*keys, "event_count", "units", "gross_minor", F.inline(words))
    sums = [F.sum(name).alias(name) for name in ("event_count", "units", "gross_minor")]
    return rows.groupBy(*keys, "kind", "word").agg(*sums, F.count("*").alias("items"))


def _taste_sums() -> Sequence[SparkColumn]:
    of_category, has_word, events = F.col("kind") == "category_id", F.col("word").isNotNull(), F.col("event_count")
    known_category, known_brand = of_category & has_word, ~of_category & has_word
    enough = has_word & (events >= LEAST_AFFINITY_EVENTS)
    rank = F.when(known_category, F.struct((-events).alias("fewer"), F.col("word").alias("category_id")))
    ranked = F.slice(F.array_sort(F.collect_list(rank)), 1, TOP_CATEGORIES)
    part = F.struct("word", "event_count", "usual_share")
    usual = (F.col("units") * F.col("usual_minor")).cast(_EXACT)
    return (
        F.sum(F.when(of_category, F.col("items"))).alias("distinct_items"),
        F.count_if(known_category).alias("distinct_categories"),
        F.sum(F.when(known_category, events)).alias("_categorised"),
        F.sum(F.when(known_brand, events)).alias("_branded"),
        F.transform(ranked, lambda r: F.struct(r["category_id"].alias("category_id"), (-r["fewer"]).alias("event_count"))).alias(
            "top_categories"
        ),
        F.collect_list(F.when(enough & of_category, part)).alias("_liked_categories"),
        F.collect_list(F.when(enough & ~of_category, part)).alias("_liked_brands"),
        F.sum(F.when(known_category, F.col("gross_minor"))).alias("_paid_minor"),
        F.sum(F.when(known_category, usual)).cast("double").alias("_usual_minor"),
    )


def _windows(as_of: date) -> dict[str, SparkColumn]:
    """What the windows hold of the days and orders that were collected once; what a lambda does depends on its element alone."""

    def days_in(days: int) -> SparkColumn:
        return F.size(F.filter("_active_dates", lambda one: within(one, days, as_of=as_of))).cast("bigint")

    def orders_in(days: int) -> SparkColumn:
        return _different_orders(F.filter("_orders", lambda one: within(one["active_date"], days, as_of=as_of)))

    return {
        "active_days": F.size("_active_dates").cast("bigint"),
        "order_count": _different_orders(F.col("_orders")),
        **{f"active_days_{days}d": days_in(days) for days in WINDOWS},
        **{f"orders_{days}d": orders_in(days) for days in WINDOWS},
    }


def _different_orders(orders: SparkColumn) -> SparkColumn:
    return F.size(F.array_distinct(F.transform(orders, lambda one: one["order_id"]))).cast("bigint")


def _rhythm(as_of: date) -> Mapping[str, SparkColumn]:
    """Distances in days; the deviation is worked out of whole numbers, so that it is the same however the rows lay."""
    day = F.lit(as_of)
    last_ordered = F.array_max("_ordered_dates")
    gaps, visits = F.size("_ordered_dates") - 1, F.size("_active_dates") - 1
    span = F.datediff(last_ordered, F.array_min("_ordered_dates")).cast("bigint")
    recency, mean_gap = F.datediff(day, last_ordered), F.when(gaps > 0, span / gaps)
    return {
        "as_of_date": day,
        "tenure_days": F.datediff(day, "first_event_date"),
        "recency_days": F.datediff(day, "last_event_date"),
        "purchase_recency_days": recency,
        "mean_days_between_orders": mean_gap,
        "mean_days_between_visits": F.when(visits > 0, F.datediff("last_event_date", "first_event_date") / visits),
        "deviation_days_between_orders": F.when(gaps > 1, F.sqrt(gaps * _squared_gaps("_ordered_dates") - span * span) / gaps),
        "order_overdue_ratio": recency / mean_gap,
    }


def _squared_gaps(sorted_days: str) -> SparkColumn:
    nothing = F.lit(0).cast("bigint")
    following = F.slice(sorted_days, 2, F.size(sorted_days))  # one shorter: the last day has no gap after it
    squares = F.zip_with(sorted_days, following, lambda day, after: F.pow(F.datediff(after, day), 2).cast("bigint"))
    return F.aggregate(squares, nothing, lambda total, square: total + F.coalesce(square, nothing))


def _money() -> Mapping[str, SparkColumn]:
    relative = ratio("_paid_minor", "_usual_minor")
    budget, middle, premium = PRICE_BANDS
    band = F.when(relative < BUDGET_BELOW, budget).when(relative >= PREMIUM_FROM, premium).when(relative.isNotNull(), middle)
    return {
        "spend_minor": _net("_spend", "_lines"),
        **{f"spend_{days}d_minor": _net(f"_spend_{days}d", f"_lines_{days}d") for days in WINDOWS},
        "mean_order_minor": F.round(ratio("_sold_minor", "order_count")).cast("bigint"),
        "mean_order_units": ratio("units_bought", "order_count"),
        "mean_order_lines": ratio("purchase_line_count", "order_count"),
        "relative_price": relative,
        "price_band": band,
        "discount_share": ratio("_discount_minor", "_gross_minor"),
        "discounted_line_share": ratio("_discounted", "purchase_line_count"),
        "refund_unit_share": ratio("refunded_units", "units_bought"),
        "refund_value_share": F.when(F.col("_sold_minor") > 0, F.coalesce("_refunded_minor", F.lit(0)) / F.col("_sold_minor")),
    }


def _habits() -> Mapping[str, SparkColumn]:
    channels = F.transform("_channels", lambda one: F.struct((-one["count"]).alias("fewer"), one["item"].alias("channel")))
    most = F.array_min(channels)
    return {
        **{f"{name}_share": _share(count, "event_count") for name, count in _ACTS.items()},
        "weekend_share": _share("_weekend", "event_count"),
        **{f"{part}_share": ratio(f"_{part}", "_timed") for part in ("morning", "afternoon", "evening", "night")},
        "top_channel": most["channel"],
        "top_channel_share": F.when(F.col("_with_channel") > 0, -most["fewer"] / F.col("_with_channel")),
        "distinct_channels": F.size("_channels").cast("bigint"),
        "cart_by_view": ratio("add_to_cart_count", "view_count"),
        "purchase_by_cart": ratio("purchase_line_count", "add_to_cart_count"),
    }


def _likes() -> Mapping[str, SparkColumn]:
    top, none = F.get("top_categories", 0), F.lit(0).cast("bigint")
    return {
        "distinct_items": F.coalesce("distinct_items", none),
        "distinct_categories": F.coalesce("distinct_categories", none),
        "top_categories": F.coalesce("top_categories", F.array().cast("array<struct<category_id:string,event_count:bigint>>")),
        "top_category_id": top["category_id"],
        "top_category_share": F.when(F.col("_categorised") > 0, top["event_count"] / F.col("_categorised")),
        "category_affinities": _affinities("_liked_categories", "_categorised", "category_id"),
        "brand_affinities": _affinities("_liked_brands", "_branded", "brand"),
    }


def _affinities(liked: str, own: str, name: str) -> SparkColumn:
    """The lifts: a user's share by the share of all; rounded before they are ranked, so that what reads as equal is."""

    def lift(one: SparkColumn) -> SparkColumn:
        return F.round(one["event_count"] / F.col(own) / one["usual_share"], 4)

    ranked = F.array_sort(F.transform(liked, lambda one: F.struct((-lift(one)).alias("less"), one["word"].alias("word"))))
    most = F.transform(F.slice(ranked, 1, MOST_AFFINITIES), lambda one: F.struct(one["word"].alias(name), (-one["less"]).alias("lift")))
    return F.coalesce(most, F.array().cast(f"array<struct<{name}:string,lift:double>>"))


def _net(total: str, lines: str) -> SparkColumn:
    return F.when(F.col(lines) > 0, F.col(total)).otherwise(F.lit(0).cast("bigint"))


def _share(part: str, whole: str) -> SparkColumn:
    return F.when(F.col(whole) > 0, F.col(part) / F.col(whole)).otherwise(F.lit(0.0))


STEP = Step(
    reads=(Read(EVENTS), Read(ORDER_LINES), Read(ITEM_OBSERVATIONS)),
    writes=(Write(USER_FEATURES, SUITE, AsOf(and_later=True)),),
    build=build,
    takes=("as_of",),
)
