"""``gold.user_segments``: the segments of each user at the end of a day, in each scheme."""

from collections.abc import Iterable, Iterator
from datetime import date

import numpy as np
import pyarrow as pa
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.gold.user_segments import SUITE
from jobs.contract import Column, Table
from jobs.gold.user_features import USER_FEATURES
from jobs.segmentation import lifecycle, rfm
from jobs.segmentation.affinity import LIKELY, likely_for
from jobs.segmentation.cells import first_that_holds
from jobs.segmentation.served_segments import COLUMNS, NO_CLUSTER, NOISE, UNASSIGNED, UNKNOWN_TASTE, Clusters, Ids, SegmentModel
from jobs.step import AsOf, Read, Step, Write

USER_SEGMENTS = Table(
    name="gold.user_segments",
    doc=(
        "One row a user and as-of day, for every user of gold.user_features. Quintiles rank buyers only: 5 is best, users with the same "
        "value share one, and the quintile of a value is 5 times the share of buyers whose value is at most as good, rounded up."
    ),
    columns=(
        Column("as_of_date", "date", "Day at whose end the row was true."),
        Column("user_id", "string", "Pseudonym of the user."),
        Column("recency_quintile", "int", "Of days since the last purchase, 5 for the latest; NULL for who never bought.", nullable=True),
        Column("frequency_quintile", "int", "Of the number of orders; NULL for who never bought.", nullable=True),
        Column("monetary_quintile", "int", "Of monetary_basis; NULL for who never bought or has no known price.", nullable=True),
        Column("monetary_basis", "string", "spend, or units in a shop without prices: then pieces bought stand for money."),
        Column("rfm_segment", "string", "Named cell of recency, frequency and money, or of activity for who never bought."),
        Column("behaviour_segment", "string", "Cluster of behaviour; unassigned before there is a model."),
        Column("behaviour_cluster_id", "int", "Number of that cluster, which it keeps when a new model finds it again.", nullable=True),
        Column("taste_segment", "string", f"Cluster of taste; unassigned without a model of it, '{UNKNOWN_TASTE}' after too few events."),
        Column("taste_cluster_id", "int", "Number of that cluster, kept likewise.", nullable=True),
        Column("model_version", "string", "Registry version of the model; NULL before there is one.", nullable=True, is_metadata=True),
        Column(
            "density_segment",
            "string",
            f"Dense group of users who behave alike, '{NOISE}' outside of all; unassigned without a model of it, NULL in rows from before.",
            nullable=True,
        ),
        Column("density_cluster_id", "int", "Number of that group, kept likewise; NULL outside of all.", nullable=True),
        Column("lifecycle_segment", "string", "Standing by first and last visit; NULL in rows from before.", nullable=True),
        Column(
            "affinity_segment",
            "string",
            f"Category that the user does most more with than others do, '{LIKELY}' and its id; NULL in rows from before.",
            nullable=True,
        ),
    ),
    key=("as_of_date", "user_id"),
    partitioned_by="as_of_date",
)

_RULED = ("lifecycle_segment", "affinity_segment")
_CARRIED = ("user_id", "purchase_recency_days", *_RULED, *[name for name in COLUMNS if name != "top_categories"])
_NUMBERS = ("behaviour_cluster_id", "taste_cluster_id", "density_cluster_id")
_MEASURES = {
    "recency": "-cast(purchase_recency_days AS bigint)",
    "frequency": "order_count",
    "spend": "if(spend_minor IS NULL, NULL, greatest(spend_minor, 0))",
    "units": "units_bought",
}
"""What quintiles rank, more is better; refunds above sales count as nothing spent."""


def build(features: DataFrame, *, as_of: date, model: SegmentModel | None) -> DataFrame:
    """One row a user of ``as_of``; the cluster columns say ``unassigned`` as long as ``model`` is None."""
    of_day = features.where(F.col("as_of_date") == F.lit(as_of))
    measures = of_day.where("order_count > 0").select(*[F.expr(value).cast("bigint").alias(name) for name, value in _MEASURES.items()])
    bounds = F.broadcast(rfm.bounds_frame(measures).select(*[F.col(name).alias(f"{name}_bounds") for name in _MEASURES]))
    users = _clustered(_ruled(of_day), model).crossJoin(bounds)

    def quintile(measure: str) -> SparkColumn:
        return F.when(F.col("order_count") > 0, rfm.quintile_column(F.expr(_MEASURES[measure]), F.col(f"{measure}_bounds")))

    # Where no buyer's spend is known there is nothing to rank.
    has_prices = F.col("spend_bounds").isNotNull()
    ranked = users.select(
        "*",
        quintile("recency").alias("recency_quintile"),
        quintile("frequency").alias("frequency_quintile"),
        F.when(has_prices, quintile("spend")).otherwise(quintile("units")).alias("known_monetary_quintile"),
        F.when(has_prices, "spend").otherwise("units").alias("monetary_basis"),
    ).withColumn("monetary_quintile", F.coalesce("known_monetary_quintile", "frequency_quintile"))
    no_taste = UNKNOWN_TASTE if model and model.taste else UNASSIGNED
    return ranked.select(
        F.lit(as_of).alias("as_of_date"),
        "user_id",
        "recency_quintile",
        "frequency_quintile",
        F.col("known_monetary_quintile").alias("monetary_quintile"),
        "monetary_basis",
        first_that_holds(rfm.SEGMENTS).alias("rfm_segment"),
        _name("behaviour_cluster_id", model.behaviour if model else None, UNASSIGNED).alias("behaviour_segment"),
        "behaviour_cluster_id",
        _name("taste_cluster_id", model.taste if model else None, no_taste).alias("taste_segment"),
        "taste_cluster_id",
        F.lit(model.version if model else None).cast("string").alias("model_version"),
        _name("density_cluster_id", model.density if model else None, NOISE if model and model.density else UNASSIGNED).alias(
            "density_segment"
        ),
        "density_cluster_id",
        *_RULED,
    )


def _ruled(users: DataFrame) -> DataFrame:
    """With the segments that follow from a user's features alone, and from how many share a category."""
    staged = users.withColumn("active_days_30d_to_90d", F.col("active_days_90d") - F.col("active_days_30d"))
    return likely_for(staged.withColumn("lifecycle_segment", first_that_holds(lifecycle.SEGMENTS)))


def _clustered(users: DataFrame, model: SegmentModel | None) -> DataFrame:
    """The carried columns with the number of a cluster in each scheme, NULL for none; one Python crossing, no shuffle."""
    if model is None:
        return users.select(*_CARRIED, *[F.lit(None).cast("int").alias(name) for name in _NUMBERS])
    wanted = users.select(*_CARRIED, "top_categories")
    fields = ", ".join(f"`{name}` {kind}" for name, kind in wanted.dtypes if name != "top_categories")

    def assign(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        schemes = (model.behaviour, model.taste, model.density)
        for batch in batches:
            numbers = [_numbers(scheme, ids) for scheme, ids in zip(schemes, model.assign(batch), strict=True)]
            yield pa.RecordBatch.from_arrays([batch.column(name) for name in _CARRIED] + numbers, names=[*_CARRIED, *_NUMBERS])

    return wanted.mapInArrow(assign, ", ".join([fields, *[f"{name} int" for name in _NUMBERS]]))


def _numbers(scheme: Clusters | None, ids: Ids) -> pa.Array:
    """The numbers under which clusters are known, NULL for none."""
    known = np.array([*(scheme.cluster_ids if scheme else ()), NO_CLUSTER], np.int32)
    return pa.array(known[ids], pa.int32(), mask=np.equal(ids, NO_CLUSTER))


def _name(id_column: str, scheme: Clusters | None, otherwise: str) -> SparkColumn:
    if scheme is None:
        return F.lit(otherwise)
    known = zip(scheme.cluster_ids, scheme.labels, strict=True)
    names = F.create_map(*[F.lit(part) for number, label in known for part in (number, label.name)])
    return F.coalesce(F.element_at(names, F.col(id_column)), F.lit(otherwise))


STEP = Step(
    reads=(Read(USER_FEATURES),),
    writes=(Write(USER_SEGMENTS, SUITE, AsOf()),),
    build=build,
    takes=("as_of",),
    model="segments",
)
