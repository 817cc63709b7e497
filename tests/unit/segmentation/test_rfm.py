"""Claims about quintiles and named cells."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.segmentation.cells import first_that_holds
from jobs.segmentation.rfm import SEGMENTS, bounds_frame, named_segment, quintile_bounds, quintile_column, quintile_of


def quintiles(values: list[int]) -> dict[int, int]:
    bounds = quintile_bounds(Counter(values))
    return {value: quintile_of(value, bounds) for value in values}


def test_ten_different_values_fill_the_quintiles_evenly() -> None:
    assert quintiles(list(range(10))) == {0: 1, 1: 1, 2: 2, 3: 2, 4: 3, 5: 3, 6: 4, 7: 4, 8: 5, 9: 5}


@pytest.mark.parametrize("order", [1, -1])
def test_ties_share_the_quintile_of_their_last(order: int) -> None:
    # Shares up to and including each value: 0.6, 0.8, 0.9, 1.0.
    assert quintiles([1, 1, 1, 1, 1, 1, 2, 2, 3, 9][::order]) == {1: 3, 2: 4, 3: 5, 9: 5}


def test_a_share_on_the_boundary_belongs_below_it() -> None:
    assert quintiles([5, 6, 7, 8, 9]) == {5: 1, 6: 2, 7: 3, 8: 4, 9: 5}


def test_one_value_for_all_is_in_the_best_quintile() -> None:
    assert quintiles([4, 4, 4]) == {4: 5}


def a_user(**changes: int) -> dict[str, int]:
    buyer = {"recency_quintile": 5, "frequency_quintile": 5, "monetary_quintile": 5, "order_count": 6}
    return buyer | {"tenure_days": 100, "recency_days": 3, "add_to_cart_count": 9} | changes


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "Champions"),
        ({"order_count": 1, "frequency_quintile": 3}, "New customers"),
        ({"monetary_quintile": 2}, "Loyal customers"),
        ({"frequency_quintile": 3, "recency_quintile": 3}, "Big spenders"),
        ({"frequency_quintile": 3, "monetary_quintile": 3}, "Potential loyalists"),
        ({"recency_quintile": 3, "frequency_quintile": 2, "monetary_quintile": 2}, "Need attention"),
        ({"recency_quintile": 2}, "Cannot lose them"),
        ({"recency_quintile": 1, "frequency_quintile": 3}, "At risk"),
        ({"recency_quintile": 1, "frequency_quintile": 1, "order_count": 1}, "Hibernating"),
        ({"order_count": 0, "tenure_days": 6}, "New visitors"),
        ({"order_count": 0}, "Cart abandoners"),
        ({"order_count": 0, "add_to_cart_count": 0}, "Window shoppers"),
        ({"order_count": 0, "recency_days": 14}, "Dormant visitors"),
    ],
)
def test_each_cell_has_its_user(changes: dict[str, int], name: str) -> None:
    assert named_segment(a_user(**changes)) == name


def test_every_possible_user_is_in_a_cell() -> None:
    quintile = range(1, 6)
    for r, f, m, orders in product(quintile, quintile, quintile, (1, 2)):
        assert named_segment(a_user(recency_quintile=r, frequency_quintile=f, monetary_quintile=m, order_count=orders))
    for tenure, recency, carts in product((0, 6, 7, 400), (0, 13, 14), (0, 1)):
        assert named_segment(a_user(order_count=0, tenure_days=tenure, recency_days=recency, add_to_cart_count=carts))


def test_names_are_unique_and_say_what_to_do() -> None:
    assert len({segment.name for segment in SEGMENTS}) == len(SEGMENTS)
    assert all(segment.meaning.endswith(".") and segment.action.endswith(".") for segment in SEGMENTS)


def test_spark_ranks_as_the_arithmetic_does_for_any_partitioning(spark: SparkSession) -> None:
    drawn = np.random.default_rng(3)
    columns: dict[str, list[int | None]] = {
        "few": [int(drawn.choice([1, 1, 1, 2, 3])) for _ in range(300)],
        "many": [int(drawn.lognormal(9, 2)) for _ in range(300)],
        "negative": [int(drawn.integers(-5000, 5000)) for _ in range(300)],
        "none": [None] * 300,
    }
    rows = list(zip(*columns.values(), strict=True))
    schema = ", ".join(f"{name} bigint" for name in columns)
    for parts in (1, 5):
        values = spark.createDataFrame(rows[:: 1 if parts == 1 else -1], schema).repartition(parts)
        bounds = bounds_frame(values)
        ranked = values.crossJoin(bounds.select(*[F.col(name).alias(f"{name}_bounds") for name in columns])).select(
            *columns, *[quintile_column(F.col(name), F.col(f"{name}_bounds")).alias(f"{name}_quintile") for name in columns]
        )
        row = bounds.first()
        assert row is not None
        assert row["none"] is None
        for name in ("few", "many", "negative"):
            expected = quintiles([value for value in columns[name] if value is not None])
            assert {r[name]: r[f"{name}_quintile"] for r in ranked.collect()} == expected


def test_spark_names_cells_as_the_rules_do(spark: SparkSession) -> None:
    users = [
        a_user(recency_quintile=r, frequency_quintile=f, monetary_quintile=m, order_count=o)
        for r in (1, 3, 5)
        for f in (2, 4)
        for m in (3, 5)
        for o in (0, 1, 2)
    ]
    named = spark.createDataFrame([tuple(user.values()) for user in users], ", ".join(f"{name} int" for name in users[0])).withColumn(
        "name", first_that_holds(SEGMENTS)
    )
    assert [row["name"] for row in named.collect()] == [named_segment(user) for user in users]
