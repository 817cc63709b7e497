"""Claims about the slates that everybody gets."""

from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from expectations.gate import audit
from expectations.gold.recommendations import SUITE
from jobs.contract import conform
from jobs.gold.recommendations import RECOMMENDATIONS, SLATE_SIZE, build
from jobs.recommender.als import AlsParameters, Factors
from jobs.recommender.artifacts import Artifacts, ChampionModel

DAY, LATER = date(2026, 6, 30), date(2026, 7, 1)
ITEMS = [f"i{n:02}" for n in range(24)]
FACTOR_ROW = "{} string, factors array<float>"


def made(spark: SparkSession, model: ChampionModel | None, *, on_sale: int = 24, bought: tuple[str, ...] = ("i00", "i01")) -> DataFrame:
    """Slates for a user with factors, one without, and one of another day who must get none."""
    seen = [("known", item, "view_item", DAY, 1, 0) for item in ITEMS[:10]] + [("known", "i23", "view_item", LATER, 99, 0)]
    interactions = spark.createDataFrame(
        seen, "user_id string, item_id string, event_type string, event_date date, event_count bigint, quantity bigint"
    )
    sold = [("known", item, DAY, "sale") for item in bought] + [("known", "i02", DAY, "refund"), ("known", "i03", LATER, "sale")]
    order_lines = spark.createDataFrame(sold, "user_id string, item_id string, ordered_date date, kind string")
    versions = [(item, date(2026, 1, 1), None, n < on_sale) for n, item in enumerate(ITEMS)]
    items = spark.createDataFrame(versions, "item_id string, valid_from date, valid_to date, is_on_sale boolean")
    users = spark.createDataFrame([(DAY, "known"), (DAY, "new"), (LATER, "other")], "as_of_date date, user_id string")
    return build(interactions, order_lines, items, users, as_of=DAY, model=model)


@pytest.fixture(scope="module")
def champion(spark: SparkSession) -> ChampionModel:
    users = spark.createDataFrame([("known", [1.0])], FACTOR_ROW.format("user_id"))
    items = spark.createDataFrame([(item, [float(n)]) for n, item in enumerate(ITEMS[:6])], FACTOR_ROW.format("item_id"))
    popularity = spark.createDataFrame([], "item_id string, score double")
    return ChampionModel("7", Artifacts(Factors(users, items), popularity, AlsParameters(rank=1), DAY.isoformat()))


def slate(rows: DataFrame, user_id: str) -> list[tuple[str, str]]:
    return [(row["item_id"], row["model"]) for row in rows.where(F.col("user_id") == user_id).orderBy("rank").collect()]


def test_every_user_of_the_day_gets_twenty_and_the_suite_accepts_them(spark: SparkSession, champion: ChampionModel) -> None:
    rows = conform(made(spark, champion), RECOMMENDATIONS).cache()
    assert {row["user_id"]: row["count"] for row in rows.groupBy("user_id").count().collect()} == {"known": SLATE_SIZE, "new": SLATE_SIZE}
    assert {(row["as_of_date"], row["model_version"]) for row in rows.collect()} == {(DAY, "7")}
    assert [str(finding) for finding in audit(rows, SUITE) if not finding.is_met] == []


def test_personal_items_come_first_then_popular_ones_and_nothing_that_was_bought(spark: SparkSession, champion: ChampionModel) -> None:
    rows = made(spark, champion)
    known = slate(rows, "known")
    assert known[:4] == [("i05", "als"), ("i04", "als"), ("i03", "als"), ("i02", "als")], "i00 and i01 are bought; a refund is no purchase"
    assert known[4:8] == [(item, "popularity") for item in ("i06", "i07", "i08", "i09")]
    assert {model for _, model in slate(rows, "new")} == {"popularity"}
    assert slate(rows, "new")[0] == ("i00", "popularity"), "what happens later does not count"


def test_without_a_champion_popularity_serves_everybody(spark: SparkSession) -> None:
    rows = made(spark, None)
    assert {(row["model"], row["model_version"]) for row in rows.collect()} == {("popularity", None)}


def test_what_is_not_on_sale_is_not_shown_even_if_slates_get_short(spark: SparkSession, champion: ChampionModel) -> None:
    rows = made(spark, champion, on_sale=5)
    assert [item for item, _ in slate(rows, "known")] == ["i04", "i03", "i02"]
    assert [item for item, _ in slate(rows, "new")] == ITEMS[:5]
    findings = {finding.expectation: finding for finding in audit(rows, SUITE) if not finding.is_met}
    assert [finding.severity for finding in findings.values()] == ["warning"]


@pytest.fixture(scope="module")
def ordinary(spark: SparkSession, champion: ChampionModel) -> DataFrame:
    """Slates without a fault, made once."""
    return made(spark, champion).cache()


@pytest.mark.parametrize(
    ("fault", "value"), [("rank", "21"), ("rank", "1"), ("item_id", "'i05'"), ("item_id", "NULL"), ("score", "NULL"), ("model", "'luck'")]
)
def test_the_suite_refuses_each_planted_fault(ordinary: DataFrame, fault: str, value: str) -> None:
    kind = dict(ordinary.dtypes)[fault]
    spoilt = ordinary.withColumn(fault, F.when(F.col("rank") == 3, F.expr(f"CAST({value} AS {kind})")).otherwise(F.col(fault)))
    assert any(finding.severity == "critical" and not finding.is_met for finding in audit(spoilt, SUITE))
