"""``gold.membership_changes``: who has come into another segment since the day before, and what moved."""

from datetime import date

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.gold.membership_changes import SUITE
from expectations.vocabulary import RULES
from jobs.contract import Column, Table
from jobs.gold.segment_profiles import SCHEMES, WORDS
from jobs.gold.user_features import USER_FEATURES
from jobs.gold.user_segments import USER_SEGMENTS
from jobs.segmentation.served_segments import UNASSIGNED
from jobs.step import AsOf, Read, Step, Write

TOLERANCE = 1e-6

MEMBERSHIP_CHANGES = Table(
    name="gold.membership_changes",
    doc=(
        "One row a user, scheme and as-of day, for each user whose segment is not that of compared_date, the newest earlier day with "
        "segments; also for who was no user then. Nothing on the first day."
    ),
    columns=(
        Column("as_of_date", "date", "Day at whose end the user was in to_segment."),
        Column("user_id", "string", "Pseudonym of the user."),
        Column("scheme", "string", "Scheme of the segments, as of gold.segment_profiles."),
        Column("from_segment", "string", "Segment at the end of compared_date; NULL for who was no user then.", nullable=True),
        Column("to_segment", "string", "Segment at the end of as_of_date."),
        Column("compared_date", "date", "Day that as_of_date is compared with."),
        Column("is_new_model", "boolean", "Whether another model's clusters are compared: then users may move who did nothing."),
        Column(
            "moved_feature",
            "string",
            "Column of gold.user_features that moved most, in standard deviations over the users of as_of_date, the first by name of "
            "equals; NULL for who was no user then, and where none moved.",
            nullable=True,
        ),
        Column("moved_from", "double", "Its value at the end of compared_date.", nullable=True, tolerance=TOLERANCE),
        Column("moved_to", "double", "Its value at the end of as_of_date.", nullable=True, tolerance=TOLERANCE),
        Column("moved_deviations", "double", "The difference in standard deviations.", nullable=True, tolerance=TOLERANCE),
    ),
    key=("as_of_date", "user_id", "scheme"),
    partitioned_by="as_of_date",
)

FIGURES = tuple(sorted(WORDS))
_EXACT = "decimal(38,0)"


def build(features: DataFrame, segments: DataFrame, *, as_of: date) -> DataFrame:
    """One row a change; two joins by user of the users of two days."""
    is_today, is_earlier = F.col("as_of_date") == F.lit(as_of), F.col("as_of_date") < F.lit(as_of)
    compared = F.broadcast(segments.where(is_earlier).agg(F.max("as_of_date").alias("compared_date")).where("compared_date IS NOT NULL"))
    changed = _changes(segments.where(is_today), segments.join(compared, F.col("as_of_date") == F.col("compared_date")), compared)
    now = features.where(is_today).select("user_id", _figures().alias("_now"))
    then = features.join(compared, F.col("as_of_date") == F.col("compared_date")).select("user_id", _figures().alias("_then"))
    deviations = F.broadcast(features.where(is_today).agg(F.array(*[_deviation(name) for name in FIGURES]).alias("_deviations")))
    known = changed.join(now, "user_id").join(then, "user_id", "left").crossJoin(deviations)
    moved = known.withColumn("_moved", _moved())
    derived = {
        "as_of_date": F.lit(as_of),
        "moved_feature": F.col("_moved")["name"],
        "moved_from": F.col("_moved")["before"],
        "moved_to": F.col("_moved")["after"],
        "moved_deviations": F.col("_moved")["deviations"],
    }
    return moved.select(*[derived.get(name, F.col(name)).alias(name) for name in MEMBERSHIP_CHANGES.column_names])


def _changes(today: DataFrame, earlier: DataFrame, compared: DataFrame) -> DataFrame:
    columns = list(SCHEMES.values())
    now = today.select("user_id", "model_version", *[F.coalesce(name, F.lit(UNASSIGNED)).alias(name) for name in columns])
    of_then = [F.col("model_version").alias("_model_then"), F.lit(True).alias("_was_there")]
    then = earlier.select("user_id", *of_then, *[F.col(name).alias(f"_{name}") for name in columns])
    entries = F.array(
        *[
            F.struct(F.lit(scheme).alias("scheme"), F.col(f"_{name}").alias("from_segment"), F.col(name).alias("to_segment"))
            for scheme, name in SCHEMES.items()
        ]
    )

    def is_a_change(one: SparkColumn) -> SparkColumn:
        is_of_before_the_scheme = one["from_segment"].isNull() & F.col("_was_there").isNotNull()
        return ~one["from_segment"].eqNullSafe(one["to_segment"]) & ~is_of_before_the_scheme

    differing = F.filter(entries, is_a_change)
    joined = now.join(then, "user_id", "left").crossJoin(compared)
    rows = joined.select("user_id", "compared_date", "model_version", "_model_then", F.explode(differing).alias("_change"))
    was_there = F.col("_change.from_segment").isNotNull()
    of_model = ~F.col("_change.scheme").isin(*RULES)
    is_new_model = was_there & of_model & ~F.col("model_version").eqNullSafe(F.col("_model_then"))
    return rows.select("user_id", "_change.*", "compared_date", is_new_model.alias("is_new_model"))


def _figures() -> SparkColumn:
    return F.array(*[F.col(name).cast("bigint") for name in FIGURES])


def _deviation(name: str) -> SparkColumn:
    """Standard deviation over all users, from exact sums, so that it is the same for any partitioning."""
    value = F.col(name).cast("decimal(19,0)")
    count, total, squares = F.count(name), F.sum(value).cast(_EXACT).cast("double"), F.sum(value * value).cast(_EXACT).cast("double")
    return F.sqrt(F.greatest(squares / count - (total / count) * (total / count), F.lit(0.0)))


def _moved() -> SparkColumn:
    """The figure that moved most, with its values and the difference in standard deviations; NULL where none moved."""
    found = []
    for place, name in enumerate(FIGURES):
        before, after, deviation = F.col("_then")[place], F.col("_now")[place], F.col("_deviations")[place]
        deviations = F.round((after - before) / deviation, 6)
        entry = F.struct(
            (-F.abs(deviations)).alias("order"),
            F.lit(name).alias("name"),
            before.cast("double").alias("before"),
            after.cast("double").alias("after"),
            deviations.alias("deviations"),
        )
        found.append(F.when((deviation > TOLERANCE) & (before != after), entry))
    return F.array_min(F.array_compact(F.array(*found)))


STEP = Step(
    reads=(Read(USER_FEATURES), Read(USER_SEGMENTS)),
    writes=(Write(MEMBERSHIP_CHANGES, SUITE, AsOf()),),
    build=build,
    takes=("as_of",),
)
