"""Claims about the slates that everybody gets."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from expectations.gate import audit
from expectations.gold.recommendations import SUITE
from jobs.contract import conform
from jobs.gold.recommendations import RECOMMENDATIONS, SLATE_SIZE, build
from jobs.recommender.artifacts import Artifacts, ChampionModel
from jobs.recommender.candidate import Candidate
from jobs.recommender.house_rules import NO_RULES, HouseRules
from jobs.recommender.models.item_neighbours import ItemNeighbours, ItemNeighboursTrainer
from jobs.recommender.models.popularity import Popularity
from jobs.silver.consent_decisions import CONSENT_DECISIONS
from jobs.silver.consents import build as consents_of
from jobs.silver.stock import STOCK
from tests.bronze_rows import SETTINGS
from tests.rows import a_user, counted, decided, frame, interactions, user_features

DAY, LATER = date(2026, 6, 30), date(2026, 7, 1)
BEFORE = DAY - timedelta(days=3)
SOLD = "user_id string, item_id string, ordered_date date, landed_date date, kind string, quantity bigint"
BROWSED = "user_id string, item_id string, event_type string, event_date date, landed_date date"
ITEMS = [f"i{n:02}" for n in range(24)]


def made(
    spark: SparkSession,
    model: ChampionModel | None,
    *,
    on_sale: int = 24,
    bought: tuple[str, ...] = ("i00", "i01"),
    rules: HouseRules = NO_RULES,
    new: tuple[str, ...] = (),
    stock: Sequence[dict[str, Any]] = (),
    consents: Sequence[tuple[str, bool, date]] = (),
) -> DataFrame:
    """Slates for a user with a history, one without, and one of another day who must get none; built once, however often they are read."""
    seen = [("known", item, "view_item", BEFORE, 1) for item in ITEMS[:10]] + [("known", "i23", "view_item", LATER, 99)]
    sold = [(item, DAY, DAY, "sale") for item in bought]
    sold += [("i02", DAY, DAY, "refund"), ("i03", LATER, LATER, "sale"), ("i04", DAY, LATER, "sale")]
    order_lines = spark.createDataFrame([("known", *row, 1) for row in sold], SOLD).selectExpr("*", "timestamp(ordered_date) AS ordered_at")
    versions = [
        (item, BEFORE if item in new else date(2026, 1, 1), None, n < on_sale, f"c{n % 4}", f"word{n % 3}", None)
        for n, item in enumerate(ITEMS)
    ]
    described = "item_id string, valid_from date, valid_to date, is_on_sale boolean, category_id string, name string, brand string"
    items = spark.createDataFrame(versions, described)
    users = user_features(spark, [a_user("known", DAY), a_user("new", DAY), a_user("other", LATER)])
    seen_since = [("known", "i22", "view_item", DAY, LATER)] * 9 + [("known", "i09", "view_item", DAY, DAY)]
    browsed = spark.createDataFrame(seen_since, BROWSED).selectExpr("*", "timestamp(event_date) AS occurred_at")
    settings = SETTINGS.model_copy(update={"recommender_rules": rules})
    counts = frame(spark, STOCK, stock)
    answers = [decided(user, 1, granted=granted, purpose="personalisation") | {"decided_at": noon(day)} for user, granted, day in consents]
    agreed = consents_of(frame(spark, CONSENT_DECISIONS, answers))
    rows = build(interactions(spark, seen), browsed, order_lines, items, users, counts, agreed, as_of=DAY, model=model, settings=settings)
    return conform(spark.createDataFrame(rows.toArrow()), RECOMMENDATIONS)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def count(item: str, quantity: int, day: date, landed: date | None = None) -> dict[str, Any]:
    return counted(item, quantity, observed_at=noon(day), observed_date=day, landed_date=landed or day)


@pytest.fixture(scope="module")
def champion() -> ChampionModel:
    """i06 speaks for i05 to i00, the more the greater the number, i07 for i05 alone."""
    likeness = np.zeros((10, 10))
    likeness[6, :6] = np.arange(6) + 1.0
    likeness[7, 5] = 2.0
    personal = ItemNeighbours(pa.array(ITEMS[:10]), sp.csr_matrix(likeness), "item_neighbours")
    nothing = Popularity(pa.array([], pa.string()), np.zeros(0))
    return ChampionModel("7", Artifacts(personal, nothing, Candidate(ItemNeighboursTrainer()), DAY.isoformat()))


def slate(rows: DataFrame, user_id: str) -> list[tuple[str, str]]:
    return [(row["item_id"], row["model"]) for row in rows.where(F.col("user_id") == user_id).orderBy("rank").collect()]


@pytest.fixture(scope="module")
def ordinary(spark: SparkSession, champion: ChampionModel) -> DataFrame:
    """Slates of a shop without rules."""
    return made(spark, champion)


def test_every_user_of_the_day_gets_twenty_and_the_suite_accepts_them(ordinary: DataFrame) -> None:
    rows = ordinary
    assert {row["user_id"]: row["count"] for row in rows.groupBy("user_id").count().collect()} == {"known": SLATE_SIZE, "new": SLATE_SIZE}
    assert {(row["as_of_date"], row["model_version"]) for row in rows.collect()} == {(DAY, "7")}
    assert [str(finding) for finding in audit(rows, SUITE) if not finding.is_met] == []


def test_personal_items_come_first_then_popular_ones_and_nothing_that_was_bought(ordinary: DataFrame) -> None:
    rows = ordinary
    known = slate(rows, "known")
    assert known[:4] == [(f"i0{n}", "item_neighbours") for n in (5, 4, 3, 2)], "i00 and i01 are bought; a refund is no purchase"
    assert known[4:8] == [(item, "category_popularity") for item in ("i09", "i06", "i07", "i08")], "i09 was seen once more on the day"
    assert known[8] == ("i10", "segment_popularity"), "what had not landed by then, or not happened, says nothing"
    assert {model for _, model in slate(rows, "new")} == {"segment_popularity"}
    assert slate(rows, "new")[0] == ("i00", "segment_popularity"), "what happens later does not count"


def test_the_rules_of_the_shop_hold_for_every_place_whoever_fills_it(spark: SparkSession, champion: ChampionModel) -> None:
    rules = HouseRules(blocked_categories=("c1",), repeatable_categories=("c0",), most_a_category=2)
    known = slate(made(spark, champion, rules=rules), "known")
    assert [item for item, _ in known] == ["i04", "i03", "i02", "i00", "i06", "i07"], "i05 is blocked, i00 may be bought again"
    assert [model for _, model in known] == ["item_neighbours"] * 4 + ["category_popularity"] * 2


def test_what_is_out_of_stock_is_in_nobodys_list_and_comes_back_with_the_next_count(spark: SparkSession, champion: ChampionModel) -> None:
    gone = [count("i05", 0, BEFORE), count("i09", -1, DAY), count("i20", 0, LATER), count("i21", 0, DAY, landed=LATER)]
    rows = made(spark, champion, stock=gone)
    shown = {row["item_id"] for row in rows.select("item_id").distinct().collect()}
    assert shown == set(ITEMS) - {"i05", "i09"}, "what was counted later, or not known by then, does not count"
    assert slate(rows, "known")[0] == ("i04", "item_neighbours"), "the next best"
    again = made(spark, champion, stock=[*gone, count("i05", 3, DAY)])
    assert slate(again, "known")[0] == ("i05", "item_neighbours")


def test_who_has_withdrawn_gets_exactly_what_is_popular_and_personal_places_after_agreeing_again(
    spark: SparkSession, champion: ChampionModel
) -> None:
    answers = [("known", True, BEFORE), ("known", False, DAY), ("known", True, LATER)]
    rules = HouseRules(content_places=1, exploration_places=1, new_item_days=4)
    rows = made(spark, champion, rules=rules, new=("i20", "i21"), consents=answers)
    popular_ones = [item for item, _ in slate(made(spark, None), "new")]
    assert slate(rows, "known") == [(item, "unpersonal_popularity") for item in popular_ones], "what was bought is no reason either"
    assert {row["because_item_id_1"] for row in rows.where("user_id = 'known'").collect()} == {None}
    assert {model for _, model in slate(rows, "new")} == {"segment_popularity", "exploration"}, "nobody else's list changes"
    assert [str(finding) for finding in audit(rows, SUITE) if not finding.is_met] == []
    asks = HouseRules(personalisation_needs_consent=True)
    agreed = made(spark, champion, rules=asks, consents=[("known", False, BEFORE), ("known", True, DAY)])
    assert slate(agreed, "known")[:2] == [("i05", "item_neighbours"), ("i04", "item_neighbours")]
    assert slate(agreed, "new") == slate(rows, "known"), "where the shop asks for consent, silence is none"


def test_new_items_get_the_last_places_of_everybody(spark: SparkSession, champion: ChampionModel) -> None:
    rules = HouseRules(exploration_places=2, new_item_days=4)
    rows = made(spark, champion, rules=rules, new=("i20", "i21", "i22"))
    for user in ("known", "new"):
        places = slate(rows, user)
        assert [model == "exploration" for _, model in places] == [False] * 18 + [True] * 2
        assert {item for item, _ in places[18:]} <= {"i20", "i21", "i22"}
    assert [str(finding) for finding in audit(rows, SUITE) if not finding.is_met] == []


def test_new_items_that_read_like_the_history_come_before_those_by_lot(spark: SparkSession, champion: ChampionModel) -> None:
    rules = HouseRules(content_places=1, exploration_places=1, new_item_days=4)
    rows = made(spark, champion, rules=rules, new=("i20", "i21", "i22"))
    *_, like, drawn = slate(rows, "known")
    assert like == ("i21", "content"), "its category and its word are the most frequent ones of the history"
    assert drawn in {(item, "exploration") for item in ("i20", "i22")}
    because = rows.where("user_id = 'known' AND model = 'content'").first()
    assert because is not None
    assert because["because_item_id_1"] == "i09", "the one of both that was seen most"
    assert [model for _, model in slate(rows, "new")][18] != "content", "without a history nothing reads like it"
    assert [str(finding) for finding in audit(rows, SUITE) if not finding.is_met] == []


def test_each_place_says_what_spoke_for_it(ordinary: DataFrame) -> None:
    rows = {row["rank"]: row for row in ordinary.where("user_id = 'known'").collect()}
    first = [(rows[1][f"because_item_id_{n}"], rows[1][f"because_share_{n}"]) for n in (1, 2, 3)]
    assert first == [("i06", pytest.approx(0.75)), ("i07", pytest.approx(0.25)), (None, None)]
    assert (rows[2]["because_item_id_1"], rows[2]["because_share_1"]) == ("i06", 1.0)
    assert rows[5]["item_id"] == "i09"
    assert {rows[5][f"because_item_id_{n}"] for n in (1, 2, 3)} == {"i01", "i05", "i09"}, "what the user has touched in that category"
    assert rows[9]["because_item_id_1"] is None, "what the segment likes has no reason of one's own"


def test_a_user_who_came_after_the_training_gets_personal_items(spark: SparkSession, champion: ChampionModel) -> None:
    before = replace(champion, artifacts=replace(champion.artifacts, as_of_date="2026-01-01"))
    assert {row["model"] for row in made(spark, before).where("user_id = 'known' AND rank <= 4").collect()} == {"item_neighbours"}


def test_without_a_champion_popularity_serves_everybody(spark: SparkSession) -> None:
    rows = made(spark, None)
    assert {(row["model"], row["model_version"]) for row in rows.collect()} == {("popularity", None)}


def test_what_is_not_on_sale_is_not_shown_even_if_slates_get_short(spark: SparkSession, champion: ChampionModel) -> None:
    rows = made(spark, champion, on_sale=5)
    assert [item for item, _ in slate(rows, "known")] == ["i04", "i03", "i02"]
    assert [item for item, _ in slate(rows, "new")] == ITEMS[:5]
    findings = {finding.expectation: finding for finding in audit(rows, SUITE) if not finding.is_met}
    assert [finding.severity for finding in findings.values()] == ["warning"]


@pytest.mark.parametrize(
    ("fault", "value"), [("rank", "21"), ("rank", "1"), ("item_id", "'i05'"), ("item_id", "NULL"), ("score", "NULL"), ("model", "'luck'")]
)
def test_the_suite_refuses_each_planted_fault(ordinary: DataFrame, fault: str, value: str) -> None:
    kind = dict(ordinary.dtypes)[fault]
    spoilt = ordinary.withColumn(fault, F.when(F.col("rank") == 3, F.expr(f"CAST({value} AS {kind})")).otherwise(F.col(fault)))
    assert any(finding.severity == "critical" and not finding.is_met for finding in audit(spoilt, SUITE))
