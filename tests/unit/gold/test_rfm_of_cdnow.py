"""A claim about RFM on real purchases: those of CDNOW, 1997 and 1998, against a calculation with pandas that shares no code with ours."""

from datetime import date
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs.gold import user_features, user_segments
from jobs.silver.events import EVENTS
from jobs.silver.item_observations import ITEM_OBSERVATIONS
from tests.rows import frame

AS_OF = date(1998, 6, 30)


@pytest.fixture(scope="module")
def purchases() -> pd.DataFrame:
    """One row a purchase: user_id, day, and money in cents. The package is read as a folder: none of its code runs."""
    found = find_spec("lifetimes")
    assert found is not None
    assert found.origin is not None
    file = Path(found.origin).parent / "datasets" / "CDNOW_master.txt"
    rows = pd.read_csv(file, sep=r"\s+", dtype={"customer_id": str})
    cents = (rows["dollar_value"] * 100).round().astype("int64")
    return pd.DataFrame({"user_id": rows["customer_id"], "day": pd.to_datetime(rows["date"], format="%Y%m%d"), "cents": cents})


def with_pandas(purchases: pd.DataFrame) -> pd.DataFrame:
    """Quintiles and cells from ranks: the quintile of a value is five times its greatest rank from the worst, by buyers, rounded up."""
    users = purchases.groupby("user_id").agg(last=("day", "max"), orders=("day", "size"), money=("cents", "sum"))
    away = (pd.Timestamp(AS_OF) - users["last"]).dt.days
    count = len(users)
    r, f, m = (-(-5 * values.rank(method="max").astype(int) // count) for values in (-away, users["orders"], users["money"]))
    repeat, often, much, late = users["orders"] > 1, f >= 4, m >= 4, r >= 4
    cells = [
        (late & often & much & repeat, "Champions"),
        (late & ~repeat, "New customers"),
        ((r >= 3) & often & repeat, "Loyal customers"),
        ((r >= 3) & (m == 5), "Big spenders"),
        (late & repeat, "Potential loyalists"),
        (r == 3, "Need attention"),
        (often & much & repeat, "Cannot lose them"),
        (repeat, "At risk"),
    ]
    names = np.select([holds for holds, _ in cells], [name for _, name in cells], "Hibernating")
    return pd.DataFrame({"recency_quintile": r, "frequency_quintile": f, "monetary_quintile": m, "rfm_segment": names})


def test_rfm_of_cdnow_is_that_of_pandas_cell_for_cell(spark: SparkSession, purchases: pd.DataFrame) -> None:
    days = pa.array(purchases["day"].dt.date)
    lines = {
        "user_id": pa.array(purchases["user_id"]),
        "order_id": pa.array([f"o{n}" for n in range(len(purchases))]),
        "item_id": pa.array(["cd"] * len(purchases)),
        "ordered_date": days,
        "landed_date": days,
        "kind": pa.array(["sale"] * len(purchases)),
        "quantity": pa.array([1] * len(purchases), pa.int32()),
        "unit_price_minor": pa.array(purchases["cents"]),
        "discount_minor": pa.array([None] * len(purchases), pa.int64()),
        "channel": pa.array([None] * len(purchases), pa.string()),
    }
    order_lines = spark.createDataFrame(pa.table(lines))
    features = user_features.build(frame(spark, EVENTS, []), order_lines, frame(spark, ITEM_OBSERVATIONS, []), as_of=AS_OF)
    wanted = with_pandas(purchases)
    segments = user_segments.build(features, as_of=AS_OF, model=None).select("user_id", *wanted.columns)
    found = segments.toPandas().set_index("user_id").sort_index()
    assert len(found) == purchases["user_id"].nunique() == 23_570
    pd.testing.assert_frame_equal(found, wanted.sort_index(), check_dtype=False)
    assert found["rfm_segment"].nunique() == 7
