"""What is in stock on a day, and who has agreed to what."""

from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.recommender.house_rules import NO_RULES, HouseRules
from jobs.recommender.shelf import answers_on, offered, out_of_stock, unpersonal
from jobs.silver.consent_decisions import CONSENT_DECISIONS
from jobs.silver.consents import build as consents_of
from jobs.silver.stock import STOCK
from tests.rows import counted, decided, frame, interactions

ITEM = "item_id string, valid_from date, valid_to date, is_on_sale boolean, category_id string"
DAY = date(2026, 5, 4)


def test_an_item_is_out_of_stock_from_its_last_count_of_nothing_until_the_next_count(spark: SparkSession) -> None:
    rows = [
        counted("gone", 5, day=1),
        counted("gone", 0, day=4, hour=9),
        counted("gone", 4, day=6),
        counted("there", 0, day=4, hour=8),
        counted("there", 1, day=4, hour=8, landed_date=date(2026, 5, 5)),  # the same instant, told again: the last word counts
        counted("oversold", -1),
        counted("split", 0, location_id="north"),
        counted("split", 2, day=1, location_id="south"),
        counted("both gone", 0, location_id="north"),
        counted("both gone", 0, location_id="south"),
        counted("balanced", -2, location_id="north"),
        counted("balanced", 2, location_id="south"),
    ]
    stock = frame(spark, STOCK, rows)

    def gone(day: int) -> set[str]:
        return {row["item_id"] for row in out_of_stock(stock, date(2026, 5, day)).collect()}

    assert gone(3) == set(), "what was not counted yet counts as there"
    assert gone(4) == gone(5) == {"gone", "oversold", "both gone", "balanced"}
    assert gone(6) == {"oversold", "both gone", "balanced"}


def test_what_is_out_of_stock_is_not_offered_unless_the_shop_sells_it_all_the_same(spark: SparkSession) -> None:
    first = date(2026, 5, 1)
    items = spark.createDataFrame([(item, first, None, True, "c") for item in ("gone", "there", "uncounted")], ITEM)
    stock = frame(spark, STOCK, [counted("gone", 0), counted("there", 1)])

    def shown(rules: HouseRules, counts: DataFrame | None) -> set[str]:
        return {row["item_id"] for row in offered(rules, items, interactions(spark, []), DAY, counts).collect()}

    assert shown(NO_RULES, stock) == {"there", "uncounted"}
    assert shown(HouseRules(hide_out_of_stock=False), stock) == shown(NO_RULES, None) == {"gone", "there", "uncounted"}


def test_the_answer_of_a_day_is_the_one_at_its_end_and_midnight_belongs_to_the_next(spark: SparkSession) -> None:
    rows = [
        decided("late", 4, 23, granted=False),
        decided("midnight", 5, 0, granted=False),
        decided("midnight", 1, granted=True),
        decided("other", 4, granted=False, purpose="ads"),
    ]
    consents = consents_of(frame(spark, CONSENT_DECISIONS, rows))

    def answers(day: int) -> dict[str, bool]:
        return {row["user_id"]: row["is_granted"] for row in answers_on(consents, "email", date(2026, 5, day)).collect()}

    assert answers(3) == {"midnight": True}
    assert answers(4) == {"late": False, "midnight": True}
    assert answers(5) == {"late": False, "midnight": False}


@pytest.mark.parametrize(
    ("needs_consent", "wanted"),
    [(False, {"refused", "withdrawn"}), (True, {"refused", "withdrawn", "never asked", "agreed to letters"})],
)
def test_a_withdrawal_is_always_heeded_and_silence_where_the_shop_asks_for_consent(
    spark: SparkSession, *, needs_consent: bool, wanted: set[str]
) -> None:
    rows = [
        decided("refused", 1, granted=False, purpose="personalisation"),
        decided("withdrawn", 1, granted=True, purpose="personalisation"),
        decided("withdrawn", 4, granted=False, purpose="personalisation"),
        decided("agreed again", 1, granted=False, purpose="personalisation"),
        decided("agreed again", 2, granted=True, purpose="personalisation"),
        decided("withdraws tomorrow", 1, granted=True, purpose="personalisation"),
        decided("withdraws tomorrow", 5, granted=False, purpose="personalisation"),
        decided("agreed to letters", 1, granted=True),
    ]
    users = spark.createDataFrame([(user,) for user in ({row["user_id"] for row in rows} | {"never asked"})], "user_id string")
    found = unpersonal(
        HouseRules(personalisation_needs_consent=needs_consent), users, consents_of(frame(spark, CONSENT_DECISIONS, rows)), DAY
    )
    assert found is not None
    assert {row["user_id"] for row in found.collect()} == wanted
    assert found.count() == len(wanted), "one row a user: a second one would give the user a second list"


def test_a_shop_that_knows_of_no_consents_serves_everybody_unless_it_asks_for_them(spark: SparkSession) -> None:
    users = spark.createDataFrame([("u",), ("u",)], "user_id string")
    assert unpersonal(NO_RULES, users, None, DAY) is None
    found = unpersonal(HouseRules(personalisation_needs_consent=True), users, None, DAY)
    assert found is not None
    assert [row["user_id"] for row in found.collect()] == ["u"]
