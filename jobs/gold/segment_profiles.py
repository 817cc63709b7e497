"""``gold.segment_profiles``: what a marketer reads about each segment of a day."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations import vocabulary
from expectations.gold.segment_profiles import SUITE
from jobs.contract import Column, Table
from jobs.gold.user_features import USER_FEATURES
from jobs.gold.user_segments import USER_SEGMENTS
from jobs.segmentation import affinity, lifecycle, rfm
from jobs.segmentation.cells import Segment
from jobs.segmentation.rules import FIGURES, rule_of
from jobs.segmentation.sample import MOST_USERS, SEED, first_by_hash
from jobs.segmentation.served_segments import NOISE, UNASSIGNED, UNKNOWN_TASTE, Clusters, Label, SegmentModel
from jobs.step import AsOf, Read, Step, Write

TOLERANCE = 1e-6

SEGMENT_PROFILES = Table(
    name="gold.segment_profiles",
    doc=(
        "One row a scheme, segment and as-of day, for each segment with a user. The schemes are "
        f"{', '.join(vocabulary.SCHEMES)}: every user is in one segment of each."
    ),
    columns=(
        Column("as_of_date", "date", "Day at whose end the row was true."),
        Column("scheme", "string", "Scheme: one way to part all users."),
        Column("segment", "string", "Name of the segment."),
        Column("user_count", "bigint", "Users in it."),
        Column("user_share", "double", "Their share of all users.", tolerance=TOLERANCE),
        Column("spend_minor", "bigint", "What they spent so far, minor units; NULL when no price is known.", nullable=True),
        Column("spend_share", "double", "Its share of all spending; NULL when there is none.", nullable=True, tolerance=TOLERANCE),
        Column("buyer_share", "double", "Share of the segment's users with an order.", tolerance=TOLERANCE),
        Column("mean_recency_days", "double", "Mean days since the last event.", tolerance=TOLERANCE),
        Column("mean_tenure_days", "double", "Mean days since the first event.", tolerance=TOLERANCE),
        Column("mean_event_count", "double", "Mean events a user.", tolerance=TOLERANCE),
        Column("mean_active_days", "double", "Mean days with an event a user.", tolerance=TOLERANCE),
        Column("mean_order_count", "double", "Mean orders a user.", tolerance=TOLERANCE),
        Column("mean_units_bought", "double", "Mean pieces a user.", tolerance=TOLERANCE),
        Column("mean_add_to_cart_count", "double", "Mean items put into a cart a user.", tolerance=TOLERANCE),
        Column("mean_spend_minor", "double", "Mean spend a user with known spend.", nullable=True, tolerance=TOLERANCE),
        Column("top_category_id", "string", "Category that is the top one of most users; the lowest id of equals.", nullable=True),
        Column("distinguishing", "string", "What sets the segment apart, strongest first, by standardised differences of means."),
        Column("meaning", "string", "Who they are, in a line."),
        Column("action", "string", "What to do about them, in a line."),
        Column(
            "model_version",
            "string",
            "Registry version of the model behind the clusters; NULL before there is one.",
            nullable=True,
            is_metadata=True,
        ),
        Column(
            "stability",
            "double",
            "How well the cluster is found again in refits on resampled users, in [0, 1]: from 0.75 it is stable, below 0.5 it has "
            "dissolved (mean Jaccard index, Hennig 2007); NULL of a rule, and of clusters from before it was measured.",
            nullable=True,
            tolerance=TOLERANCE,
        ),
        Column(
            "rule",
            "string",
            "What tells its users from all others: the best leaf of a shallow tree; NULL where no short rule does.",
            nullable=True,
        ),
        Column("rule_precision", "double", "Share of those whom the rule describes that are in it.", nullable=True, tolerance=TOLERANCE),
        Column("rule_coverage", "double", "Share of the segment that the rule describes.", nullable=True, tolerance=TOLERANCE),
    ),
    key=("as_of_date", "scheme", "segment"),
    partitioned_by="as_of_date",
)

SCHEMES = {scheme: f"{scheme}_segment" for scheme in vocabulary.SCHEMES}
NOTABLE_DIFFERENCE = 0.3
"""Standard deviations by which a segment's mean must differ from that of all users to be worth a word."""
MOST_WORDS = 3

WORDS = {
    "recency_days": ("seen longer ago", "seen more lately"),
    "tenure_days": ("known for longer", "known for less long"),
    "event_count": ("more events", "fewer events"),
    "active_days": ("more active days", "fewer active days"),
    "order_count": ("more orders", "fewer orders"),
    "units_bought": ("more pieces bought", "fewer pieces bought"),
    "add_to_cart_count": ("more items in carts", "fewer items in carts"),
    "spend_minor": ("higher spend", "lower spend"),
}
"""Figures that are compared: words for more, words for less."""

_EXACT = "decimal(38,0)"


def build(features: DataFrame, segments: DataFrame, *, as_of: date, model: SegmentModel | None) -> DataFrame:
    """One row a scheme and segment; sums are exact, so that means are the same for any partitioning."""
    day = F.col("as_of_date") == F.lit(as_of)
    figures = features.where(day).select("user_id", "top_category_id", *[F.col(name).cast("bigint").alias(name) for name in WORDS])
    members = _members(segments.where(day))
    by_category = members.join(figures, "user_id").groupBy("scheme", "segment", "top_category_id").agg(*_sums())
    # From here on there are only as many rows as segments and categories.
    first = F.when(F.col("top_category_id").isNotNull(), F.struct((-F.col("user_count")).alias("fewer"), "top_category_id"))
    by_segment = by_category.groupBy("scheme", "segment").agg(*_totals(), F.min(first)["top_category_id"].alias("top_category_id"))
    everyone = by_segment.where("scheme = 'rfm'").agg(*_totals("all_"))
    known = by_segment.crossJoin(F.broadcast(everyone)).join(F.broadcast(_texts(features, model)), ["scheme", "segment"], "left")
    known = known.join(_rules(figures, segments.where(day)), ["scheme", "segment"], "left")
    count, is_category = F.col("user_count"), F.col("scheme") == "affinity"
    derived = {
        "as_of_date": F.lit(as_of),
        "user_share": count / F.col("all_user_count"),
        "spend_minor": F.col("spend_minor_sum").cast("bigint"),
        "spend_share": F.when(F.col("all_spend_minor_sum") > 0, _double("spend_minor_sum") / _double("all_spend_minor_sum")),
        "buyer_share": F.col("buyer_count") / count,
        "distinguishing": _distinguishing(),
        "meaning": F.coalesce(
            "meaning", F.when(is_category, affinity.OWN.meaning), F.lit("A segment of a model that is no longer at hand.")
        ),
        "action": F.coalesce("action", F.when(is_category, affinity.OWN.action), F.lit("None.")),
        "model_version": F.lit(model.version if model else None).cast("string"),
        **{f"mean_{name}": _mean(name) for name in WORDS},
    }
    return known.select(*[derived.get(name, F.col(name)).alias(name) for name in SEGMENT_PROFILES.column_names])


def _members(segments: DataFrame) -> DataFrame:
    """One row a user and scheme."""
    membership = F.array(*[_entry(scheme, column) for scheme, column in SCHEMES.items()])
    return segments.select("user_id", F.explode(membership).alias("member")).select("user_id", "member.*")


def _rules(figures: DataFrame, segments: DataFrame) -> DataFrame:
    """One row a scheme and segment that a short rule tells apart, worked out for each scheme from a sample in hash order."""
    drawn = first_by_hash(segments, seed=SEED, users=MOST_USERS)
    of_drawn = F.broadcast(_members(drawn)).join(figures, "user_id")
    fields = "scheme string, segment string, rule string, rule_precision double, rule_coverage double"
    return of_drawn.groupBy("scheme").applyInArrow(_rules_of_scheme, fields)


def _rules_of_scheme(members: pa.Table) -> pa.Table:
    ordered = members.sort_by("user_id")
    points = np.column_stack([pc.fill_null(ordered[name], 0).to_numpy() for name in FIGURES])
    segments, categories = np.array(ordered["segment"].to_pylist()), ordered["top_category_id"].to_pylist()
    found = [(segment, rule_of(points, categories, segments == segment)) for segment in sorted(set(segments))]
    told = [(str(segment), rule) for segment, rule in found if rule]
    return pa.table(
        {
            "scheme": pa.array([ordered["scheme"][0].as_py()] * len(told), pa.string()),
            "segment": pa.array([segment for segment, _ in told], pa.string()),
            "rule": pa.array([rule.text for _, rule in told], pa.string()),
            "rule_precision": pa.array([rule.precision for _, rule in told], pa.float64()),
            "rule_coverage": pa.array([rule.coverage for _, rule in told], pa.float64()),
        }
    )


def _entry(scheme: str, column: str) -> SparkColumn:
    """A user's segment in a scheme; unassigned in rows from before there was the scheme."""
    return F.struct(F.lit(scheme).alias("scheme"), F.coalesce(column, F.lit(UNASSIGNED)).alias("segment"))


def _sums() -> list[SparkColumn]:
    """Count, and for each figure its number of values, sum and sum of squares."""
    sums = [F.count("*").alias("user_count"), F.count_if(F.col("order_count") > 0).alias("buyer_count")]
    for name in WORDS:
        value = F.col(name).cast("decimal(19,0)")
        sums += [
            F.count(name).alias(f"{name}_known"),
            F.sum(value).cast(_EXACT).alias(f"{name}_sum"),
            F.sum(value * value).cast(_EXACT).alias(f"{name}_squares"),
        ]
    return sums


def _totals(prefix: str = "") -> list[SparkColumn]:
    names = ["user_count", "buyer_count", *[f"{name}_{part}" for name in WORDS for part in ("known", "sum", "squares")]]
    return [
        F.sum(name).alias(f"{prefix}{name}")
        if not name.endswith(("_sum", "_squares"))
        else F.sum(name).cast(_EXACT).alias(f"{prefix}{name}")
        for name in names
    ]


def _double(name: str) -> SparkColumn:
    return F.col(name).cast("double")


def _mean(name: str, prefix: str = "") -> SparkColumn:
    known = F.col(f"{prefix}{name}_known")
    return F.when(known > 0, _double(f"{prefix}{name}_sum") / known)


def _distinguishing() -> SparkColumn:
    """The most notable differences in words: ``more orders (+1.4 sd), seen more lately (-0.9 sd)``."""
    found = []
    for name, (more, less) in WORDS.items():
        mean = _mean(name, "all_")
        deviation = F.sqrt(F.greatest(_double(f"all_{name}_squares") / F.col(f"all_{name}_known") - mean * mean, F.lit(0.0)))
        difference = F.round(F.when(deviation > TOLERANCE, (_mean(name) - mean) / deviation), 1)
        words = F.concat(F.when(difference > 0, more).otherwise(less), F.format_string(" (%+.1f sd)", difference))
        found.append(
            F.when(
                F.abs(difference) >= NOTABLE_DIFFERENCE,
                F.struct((-F.abs(difference)).alias("order"), F.lit(name).alias("name"), words.alias("words")),
            )
        )
    strongest = F.slice(F.array_sort(F.array_compact(F.array(*found))), 1, MOST_WORDS)
    return F.coalesce(
        F.nullif(F.array_join(F.transform(strongest, lambda one: one["words"]), ", "), F.lit("")), F.lit("close to the average user")
    )


def _texts(features: DataFrame, model: SegmentModel | None) -> DataFrame:
    """Meaning and action of every segment that there may be."""
    no_model = Label(UNASSIGNED, "No model of this scheme serves yet.", "Use the RFM segments.")
    noise = Label(
        NOISE,
        "Behave like too few others to be of a group: rare mixtures, and the first of a new kind of customers.",
        "Treat them by their RFM segment, and look at the best buyers among them one by one.",
    )
    no_taste = Label(UNKNOWN_TASTE, "Too few clicks, carts and purchases to tell what they like.", "Show best sellers across categories.")
    labels: list[tuple[str, Label | Segment, float | None]] = [("rfm", segment, None) for segment in rfm.SEGMENTS]
    labels += [("lifecycle", segment, None) for segment in lifecycle.SEGMENTS]
    labels += [("affinity", label, None) for label in (affinity.NONE, affinity.OTHER)]
    labels += [("behaviour", *one) for one in _measured(model.behaviour if model else None)] or [("behaviour", no_model, None)]
    labels += [("taste", *one) for one in _measured(model.taste if model else None)] or [("taste", no_model, None)]
    labels += [("taste", no_taste, None)] if model and model.taste else []
    labels += [("density", *one) for one in _measured(model.density if model else None)] or [("density", no_model, None)]
    labels += [("density", noise, None)] if model and model.density else []
    rows = [(scheme, label.name, label.meaning, label.action, stability) for scheme, label, stability in labels]
    return features.sparkSession.createDataFrame(rows, "scheme string, segment string, meaning string, action string, stability double")


def _measured(scheme: Clusters | None) -> list[tuple[Label, float | None]]:
    """The clusters' labels, each with its stability where that was measured."""
    if scheme is None:
        return []
    return [(label, scheme.stability[index] if scheme.stability else None) for index, label in enumerate(scheme.labels)]


STEP = Step(
    reads=(Read(USER_FEATURES), Read(USER_SEGMENTS)),
    writes=(Write(SEGMENT_PROFILES, SUITE, AsOf()),),
    build=build,
    takes=("as_of",),
    model="segments",
)
