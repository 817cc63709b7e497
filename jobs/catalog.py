"""Which tables there are, which task builds them, and what a task is called. Standard library only: DAGs read it, jobs obey it."""

from dataclasses import dataclass

LAKE = "lake"
"""Name of the Spark catalog; a table's full name is ``lake.<layer>.<noun>``."""

LAKE_WRITER = "lake_writer"
TRAINER = "trainer"


@dataclass(frozen=True)
class Pool:
    """An Airflow pool: at most ``slots`` of its tasks run at a time."""

    name: str
    slots: int
    doc: str


POOLS = (
    Pool(LAKE_WRITER, 1, "One task at a time writes the lake."),
    Pool(TRAINER, 2, "A training reads one set and keeps no day from being written."),
)


@dataclass(frozen=True)
class Task:
    """One ``spark-submit``: the tables that it builds, in order, in one session, published together."""

    name: str
    tables: tuple[str, ...]
    doc: str
    pool: str = LAKE_WRITER


REFINE = (
    Task(
        "bronze",
        ("bronze.events", "bronze.orders", "bronze.items", "bronze.stock", "bronze.consents", "bronze.contacts"),
        "Keep what has landed, line by line, once its markers are there.",
    ),
    Task(
        "silver",
        (
            "silver.events",
            "silver.order_lines",
            "silver.item_observations",
            "silver.items",
            "silver.sessions",
            "silver.stock",
            "silver.consent_decisions",
            "silver.consents",
            "silver.contact_observations",
            "silver.contacts",
        ),
        "Parse, reject, deduplicate, pseudonymise; one truth about events, purchases, items, stock, consents and contacts.",
    ),
    Task(
        "gold",
        (
            "gold.interactions",
            "gold.daily_item_stats",
            "gold.daily_funnels",
            "gold.user_features",
            "gold.item_features",
            "ops.sets",
            "ops.pages",
        ),
        "What it means: interactions, statistics, funnels, features; ends by recording the day's set and drawing the quality page.",
    ),
)
"""Tasks of ``refine_daily`` and ``load_history``, in order."""

SCORE = Task(
    "score",
    (
        "gold.user_segments",
        "gold.segment_profiles",
        "gold.membership_changes",
        "gold.user_tags",
        "gold.tag_sizes",
        "gold.activations",
        "gold.recommendations",
    ),
    "From the day's set and the champions: segments, their profiles, who changed, tags, who may be addressed, recommendations.",
)
PUBLISH = Task("publish", ("ops.releases",), "Export the scored tables, verify them, and commit the release.")
MART = Task("mart", ("ops.mart",), "Load the current release into the BI mart, where the shop has one.")
RELEASE = (SCORE, PUBLISH, MART)
"""Tasks of ``release_daily``, in order."""

TRAIN_RECOMMENDER = Task("train_recommender", ("model.recommender",), "Candidates, evaluation, gate, champion.", TRAINER)
PROMOTE_RECOMMENDER = Task("promote_recommender", ("model.recommender.approved",), "What a person has approved serves.", TRAINER)
TRAIN_SEGMENTS = Task("train_segments", ("model.segments",), "Scaling, k by a declared criterion, gate, champion.", TRAINER)
PROMOTE_SEGMENTS = Task("promote_segments", ("model.segments.approved",), "Segments that a person has approved serve.", TRAINER)

MAINTAIN = Task("maintain", ("ops.maintenance",), "What has had its time goes; what a release names stays.")

TRAININGS = (TRAIN_RECOMMENDER, PROMOTE_RECOMMENDER, TRAIN_SEGMENTS, PROMOTE_SEGMENTS)

TASKS = {task.name: task for task in (*REFINE, *RELEASE, *TRAININGS, MAINTAIN)}

SET_TABLES = tuple(name for task in REFINE for name in task.tables if name.partition(".")[0] in {"silver", "gold"})
"""Tables whose snapshots a day's set names, with the rejected twins that their steps write."""

EXPORTS = ("user_segments", "segment_profiles", "membership_changes", "user_tags", "tag_sizes", "recommendations", "activations")
"""Names of the exports that a release holds; each is the gold table of the same name."""
