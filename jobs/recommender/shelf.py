"""What may be recommended to whom, by the shop's rules, its catalogue and stock, and what its users have agreed to.

Items on sale and in stock that no rule blocks, without what a user has bought and will not buy again.
"""

from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from expectations.vocabulary import PERSONALISATION
from jobs.recommender.house_rules import HouseRules
from jobs.silver.validity import holds_at_end_of

SHELF_FRAME = "item_id string, category_id string, factor double, is_new boolean"
"""One row an item that may be shown: its category (NULL: none), what its relevance is multiplied by, whether it is new."""


def held_on(day: date) -> Column:
    """Whether a version of ``silver.items`` held on ``day``."""
    return (F.col("valid_from") <= F.lit(day)) & (F.col("valid_to").isNull() | (F.col("valid_to") > F.lit(day)))


def on_sale(items: DataFrame, interactions: DataFrame, day: date) -> DataFrame:
    """One row an item (item_id) that can be bought on ``day``, by the versions of ``silver.items``.

    A shop that sends no catalogue (``items`` is empty) sells whatever somebody has touched by then.
    """
    listed = items.where(held_on(day) & F.col("is_on_sale")).select("item_id").distinct()
    has_catalogue = items.limit(1).agg((F.count("*") > 0).alias("_has_catalogue"))
    touched = interactions.where(F.col("event_date") <= F.lit(day)).select("item_id").distinct()
    return listed.unionByName(touched.crossJoin(F.broadcast(has_catalogue)).where("NOT _has_catalogue").select("item_id"))


def bought(order_lines: DataFrame, day: date) -> DataFrame:
    """One row a user and item (user_id, item_id) that was sold to that user by the end of ``day``; refunded ones too."""
    sold = (F.col("kind") == "sale") & F.col("user_id").isNotNull() & (F.col("ordered_date") <= F.lit(day))
    return order_lines.where(sold).select("user_id", "item_id").distinct()


def out_of_stock(stock: DataFrame, day: date) -> DataFrame:
    """One row an item (item_id) of which nothing is left at the end of ``day``: the last counts of its locations add up to 0 or less.

    ``stock`` is ``silver.stock``; of two counts at one instant the one that landed last holds. An item that was never counted is not in it.
    """
    last = F.max_by("quantity", F.struct("observed_at", "landed_date", "source_file", "line_number"))
    counted = stock.where(F.col("observed_date") <= F.lit(day)).groupBy("item_id", "location_id").agg(last.alias("_quantity"))
    left = counted.groupBy("item_id").agg(F.sum("_quantity").alias("_left"))
    return left.where(F.col("_left") <= 0).select("item_id")


def answers_on(consents: DataFrame, purpose: str, day: date) -> DataFrame:
    """One row a user who has ever been asked about ``purpose`` (user_id, is_granted): the answer that holds at the end of ``day``.

    ``consents`` is ``silver.consents``.
    """
    return consents.where((F.col("purpose") == purpose) & holds_at_end_of(day)).select("user_id", "is_granted")


def unpersonal(rules: HouseRules, users: DataFrame, consents: DataFrame | None, day: date) -> DataFrame | None:
    """One row a user (user_id) for whom nothing may rest on what that user did, by the answers that hold at the end of ``day``.

    Those are the users who have refused or withdrawn the purpose ``personalisation``; where the rules ask for consent, all of ``users``
    (user_id) who have not granted it. ``consents`` is ``silver.consents``, None where a shop knows of none. None where it is nobody.
    """
    answers = answers_on(consents, PERSONALISATION, day) if consents is not None else None
    if not rules.personalisation_needs_consent:
        return None if answers is None else answers.where(~F.col("is_granted")).select("user_id")
    asked = users.select("user_id").distinct()
    return asked if answers is None else asked.join(answers.where("is_granted"), "user_id", "left_anti")


def offered(rules: HouseRules, items: DataFrame, interactions: DataFrame, day: date, stock: DataFrame | None = None) -> DataFrame:
    """What is on sale on ``day``, in stock and in no blocked category, as ``SHELF_FRAME``; factors of all boosts that hold are multiplied.

    ``stock`` is ``silver.stock``, None where a shop counts none.
    """
    found = on_sale(items, interactions, day).join(_categories(items, day), "item_id", "left")
    if rules.hide_out_of_stock and stock is not None:
        found = found.join(out_of_stock(stock, day), "item_id", "left_anti")
    if rules.blocked_categories:
        found = found.where(F.coalesce(~F.col("category_id").isin(sorted(rules.blocked_categories)), F.lit(True)))
    factors = [
        F.when(F.col(name) == F.lit(value), boost.factor).otherwise(1.0)
        for boost in rules.boosts
        if boost.start <= day < boost.end
        for name, value in (("item_id", boost.item_id), ("category_id", boost.category_id))
        if value is not None
    ]
    factor = reduce(lambda total, one: total * one, factors, F.lit(1.0))
    if not rules.exploration_places and not rules.content_places:
        return found.select("item_id", "category_id", factor.alias("factor"), F.lit(False).alias("is_new"))
    known = items.where(F.col("valid_from") <= F.lit(day)).groupBy("item_id").agg(F.min("valid_from").alias("_first"))
    begin = known.agg(F.min("_first").alias("_begin"))
    is_young = (F.col("_first") > F.date_sub(F.lit(day), rules.new_item_days)) & (F.col("_first") > F.col("_begin"))
    young = known.join(F.broadcast(begin)).where(is_young).select("item_id", F.lit(True).alias("_is_young"))
    is_new = F.coalesce("_is_young", F.lit(False)).alias("is_new")
    return found.join(young, "item_id", "left").select("item_id", "category_id", factor.alias("factor"), is_new)


def not_again(rules: HouseRules, order_lines: DataFrame, items: DataFrame, day: date) -> DataFrame:
    """``bought`` without the items of repeatable categories."""
    pairs = bought(order_lines, day)
    if not rules.repeatable_categories:
        return pairs
    repeatable = _categories(items, day).where(F.col("category_id").isin(sorted(rules.repeatable_categories)))
    return pairs.join(repeatable, "item_id", "left_anti").select("user_id", "item_id")


def _categories(items: DataFrame, day: date) -> DataFrame:
    """One row an item (item_id, category_id): the category of the version that holds."""
    return items.where(held_on(day)).groupBy("item_id").agg(F.max("category_id").alias("category_id"))
