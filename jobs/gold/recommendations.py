"""``gold.recommendations``: what to show to whom next."""

from datetime import date

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.gold.recommendations import SUITE
from jobs.contract import Column, Table
from jobs.gold.interactions import INTERACTIONS, known_by
from jobs.gold.user_features import USER_FEATURES
from jobs.recommender import reasons, shelf, weights
from jobs.recommender.artifacts import ChampionModel
from jobs.recommender.chain import Chain, Unpersonal
from jobs.recommender.models.content import ContentTrainer
from jobs.recommender.popular import POPULARITY_WEIGHTING, local, popular, segments_on
from jobs.settings import Settings
from jobs.silver.consents import CONSENTS
from jobs.silver.events import EVENTS
from jobs.silver.items import ITEMS
from jobs.silver.order_lines import ORDER_LINES
from jobs.silver.stock import STOCK
from jobs.step import AsOf, Read, Step, Write

SLATE_SIZE = 20
"""Items that every user gets, as long as the shop has as many on sale that the user has not bought."""

_ORDINALS = ("most", "second most", "third most")


def _because(place: int) -> tuple[Column, Column]:
    said = f"contributed {_ORDINALS[place - 1]} to the score"
    return (
        Column(f"because_item_id_{place}", "string", f"Item from the user's past that {said}; NULL where none did.", nullable=True),
        Column(
            f"because_share_{place}", "double", "Its share, above 0 up to 1, of all that spoke for the item.", nullable=True, tolerance=1e-4
        ),
    )


RECOMMENDATIONS = Table(
    name="gold.recommendations",
    doc=(
        "One row a user, as-of day and rank, for every user of gold.user_features. Nothing that was not on sale that day or out of stock, "
        "nothing that the user had bought, but for categories that the shop calls repeatable (docs/recommender.md). Uses only rows that "
        "had landed by that day. Personal items come first, popular ones fill the places that they leave: of the user's categories, of the "
        "segment, of all. Users who have not agreed to personalisation all have the same list: what is popular, whatever they bought."
    ),
    columns=(
        Column("as_of_date", "date", "Day at whose end the slate was made."),
        Column("user_id", "string", "Pseudonym of the user."),
        Column("rank", "int", "Place in the slate, from 1 to 20."),
        Column("item_id", "string", "Item."),
        Column(
            "score",
            "double",
            "What the rank follows within a model: predicted preference (als, ease), likeness to what the user has touched (neighbours), "
            "decayed event weights (popularity). Where the shop boosts items or asks for diversity, the marginal relevance.",
            tolerance=1e-6,
        ),
        Column(
            "model",
            "string",
            "Which recommender filled the place: the champion's model; category_popularity, what is popular in the user's categories; "
            "segment_popularity, in the user's RFM segment; popularity, among all. unpersonal_popularity: among all, for a user who has "
            "not agreed to personalisation. Or what shows new items: content, to whom they read "
            "like what there is already, and exploration, by lot.",
        ),
        Column(
            "model_version",
            "string",
            "Registry version of the champion; NULL when popularity serves alone.",
            nullable=True,
            is_metadata=True,
        ),
        *[column for place in range(1, reasons.MOST + 1) for column in _because(place)],
    ),
    key=("as_of_date", "user_id", "rank"),
    partitioned_by="as_of_date",
)


def build(  # noqa: PLR0917  (a frame a read)
    interactions: DataFrame,
    events: DataFrame,
    order_lines: DataFrame,
    items: DataFrame,
    user_features: DataFrame,
    stock: DataFrame,
    consents: DataFrame,
    *,
    as_of: date,
    model: ChampionModel | None,
    settings: Settings,
) -> DataFrame:
    """One row a user and rank, from what had landed by ``as_of``; popularity alone while ``model`` is None."""
    interactions = known_by(as_of, interactions, events, order_lines, max_lateness_days=settings.max_lateness_days)
    interactions.persist(StorageLevel.MEMORY_AND_DISK)
    order_lines = order_lines.where(F.col("landed_date") <= F.lit(as_of))
    rules = settings.recommender_rules
    users = user_features.where(F.col("as_of_date") == F.lit(as_of)).select("user_id").distinct()
    counted = stock.where(F.col("landed_date") <= F.lit(as_of))
    candidates = shelf.offered(rules, items, interactions, as_of, counted).persist(StorageLevel.MEMORY_AND_DISK)
    fallback = popular(interactions, as_of, candidates)
    weighting = model.artifacts.candidate.weighting if model else POPULARITY_WEIGHTING
    known = weights.signals(interactions, weighting, as_of)
    content = ContentTrainer.of_catalogue(items, as_of).fit(known) if rules.content_places else None
    segments = segments_on(user_features, as_of) if model else None
    first = (model.artifacts.personal, *local(fallback, interactions, as_of, candidates, segments)) if model else ()
    unpersonal = Unpersonal.of(shelf.unpersonal(rules, users, consents, as_of), fallback)
    chain = Chain((*first, fallback), known, rules, explores=as_of, segments=segments, content=content, unpersonal=unpersonal)
    slate = chain.explain(users, SLATE_SIZE, shelf.not_again(rules, order_lines, items, as_of), candidates)
    version = F.lit(model.version if model else None).cast("string")
    why = [
        F.get("because", F.lit(place))[part].alias(f"because_{part}_{place + 1}")
        for place in range(reasons.MOST)
        for part in ("item_id", "share")
    ]
    return slate.select(
        F.lit(as_of).alias("as_of_date"), "user_id", "rank", "item_id", "score", "model", version.alias("model_version"), *why
    )


STEP = Step(
    reads=(Read(INTERACTIONS), Read(EVENTS), Read(ORDER_LINES), Read(ITEMS), Read(USER_FEATURES), Read(STOCK), Read(CONSENTS)),
    writes=(Write(RECOMMENDATIONS, SUITE, AsOf()),),
    build=build,
    takes=("as_of", "settings"),
    model="recommender",
)
