"""Claims about the report of features: what is told of the future, what is missing, what says the same."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs.segmentation import feature_plots, feature_sample
from jobs.segmentation.feature_report import KEPT, Report, examine, gain, table
from jobs.silver.item_observations import ITEM_OBSERVATIONS
from tests.rows import events, frame, order_lines

USERS = 1_500


@pytest.fixture(scope="module")
def report() -> Report:
    drawn = np.random.default_rng(5)
    telling = drawn.integers(0, 10, USERS)
    buys = drawn.random(USERS) < np.where(telling >= 6, 0.8, 0.1)
    rare = [int(value) if n % 5 == 0 else None for n, value in enumerate(telling)]
    columns = {
        "telling": pa.array(telling),
        "twin": pa.array(-3 * telling.astype(float)),
        "noise": pa.array(drawn.normal(size=USERS)),
        "constant": pa.array(np.ones(USERS)),
        "rare": pa.array(rare, pa.int64()),
        "partly": pa.array([None if n % 4 == 0 else float(value) for n, value in enumerate(drawn.normal(size=USERS) + buys)]),
    }
    return examine(pa.table(columns), {"buys": buys, "never": np.zeros(USERS, dtype=bool)}, seed=1)


def test_every_feature_has_a_verdict_and_the_most_telling_comes_first(report: Report) -> None:
    assert report.features[0].name == "telling"
    assert {one.name: one.verdict for one in report.features} == {
        "telling": KEPT,
        "twin": "says the same as telling",
        "partly": KEPT,
        "noise": "tells less than 0.005 bits of any target",
        "constant": "never varies",
        "rare": "missing for 80% of the users",
    }


def test_figures_are_those_of_the_columns(report: Report) -> None:
    found = {one.name: one for one in report.features}
    assert (found["partly"].missing_share, found["constant"].distinct_values, found["constant"].deviation) == (0.25, 1, 0.0)
    assert found["telling"].group == found["twin"].group != found["noise"].group
    assert report.correlations[0, 1] == pytest.approx(-1.0)
    assert found["telling"].told["buys"].gain == pytest.approx(found["twin"].told["buys"].gain, abs=0.05)
    assert found["telling"].told["buys"].information > 10 * found["noise"].told["buys"].information


def test_a_target_that_never_happens_is_told_by_nothing(report: Report) -> None:
    assert report.rates["never"] == 0
    assert {(one.told["never"].gain, one.told["never"].information) for one in report.features} == {(0.0, 0.0)}


def test_gain_is_that_of_the_definition() -> None:
    outcome = np.array([True] * 6 + [False] * 2)
    values = np.array([1.0] * 4 + [2.0] * 4)
    whole = -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25))
    assert gain(values, outcome) == pytest.approx(whole - 0.5 * 1.0)
    assert gain(np.ones(8), outcome) == 0.0


def test_the_table_has_a_line_a_feature_and_the_plots_draw(report: Report) -> None:
    lines = table(report).splitlines()
    assert lines[0].split(",")[-4:] == [
        "gain_buys_bits",
        "mutual_information_buys_bits",
        "gain_never_bits",
        "mutual_information_never_bits",
    ]
    assert [line.split(",")[0] for line in lines[1:]] == [one.name for one in report.features]
    for plot in (feature_plots.telling, feature_plots.missing, feature_plots.alike):
        plot(report).canvas.draw()


def test_features_are_those_of_a_week_ago_and_the_future_is_what_came_of_it(spark: SparkSession) -> None:
    as_of = date(2026, 6, 30)

    def seen(user: str, day: date) -> dict[str, Any]:
        return {"user_id": user, "event_date": day, "landed_date": day}

    visits = events(
        spark, seen("stays", date(2026, 6, 1)), seen("stays", as_of), seen("goes", date(2026, 6, 23)), seen("new", date(2026, 6, 24))
    )
    turned_out = [(as_of, "stays", 0, None), (as_of, "goes", 7, 3), (as_of, "new", 6, None), (date(2026, 6, 29), "stays", 9, 9)]
    now = spark.createDataFrame(turned_out, "as_of_date date, user_id string, recency_days int, purchase_recency_days int")
    drawn = feature_sample.draw(visits, order_lines(spark), frame(spark, ITEM_OBSERVATIONS, []), now, as_of=as_of, seed=1)
    found = sorted(drawn.select(["event_count", "recency_days", *feature_sample.TARGETS]).to_pylist(), key=lambda row: row["recency_days"])
    assert found == [
        {"event_count": 1, "recency_days": 0, "comes_back": False, "buys": True},
        {"event_count": 1, "recency_days": 22, "comes_back": True, "buys": False},
    ]
    figures, outcomes = feature_sample.split(drawn)
    assert set(figures.column_names) == set(feature_sample.FIGURES)
    assert outcomes["comes_back"].sum() == 1
