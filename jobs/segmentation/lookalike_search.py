"""Lookalikes of a seed list in a shop: fitted on a bounded sample, scored in Spark's tasks."""

from collections.abc import Iterable, Iterator
from datetime import date

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.errors import BadDataError
from jobs.segmentation import lookalikes, sample
from jobs.segmentation.lookalikes import LEAST_SEED, MOST_OTHERS, MOST_SEED, Lookalikes
from jobs.segmentation.sample import SEED
from jobs.segmentation.served_segments import COLUMNS, Behaviour, leading_categories
from jobs.segmentation.tastes import MOST_CATEGORIES

MOST_LISTED = 100_000
"""Users that a list of lookalikes holds at most."""


def search(features: DataFrame, seed_users: DataFrame, behaviour: Behaviour, *, as_of: date, most: int) -> tuple[Lookalikes, DataFrame]:
    """How users are scored, and the ``most`` users of ``as_of`` most like ``seed_users`` (``user_id``) and not of them.

    The frame has ``user_id`` and ``score``, falling, equals by id. Raises BadDataError where too few of the seed, or of others, are users
    of the day.
    """
    of_day = features.where(F.col("as_of_date") == F.lit(as_of))
    seed_users = seed_users.select("user_id").distinct()
    mine, others = (of_day.join(seed_users, "user_id", kind) for kind in ("left_semi", "left_anti"))
    drawn_mine = sample.draw(mine, as_of=as_of, seed=SEED, users=MOST_SEED)
    drawn_others = sample.draw(others, as_of=as_of, seed=SEED, users=MOST_OTHERS)
    if min(drawn_mine.num_rows, drawn_others.num_rows) < LEAST_SEED:
        raise BadDataError(
            "seed list",
            expected=f"at least {LEAST_SEED} users of {as_of} in it, and as many who are not",
            found=f"{drawn_mine.num_rows} in it, {drawn_others.num_rows} others",
            advice="Name a larger seed, or a day on which its users were there; ids are pseudonyms.",
        )
    users = pa.concat_tables([drawn_mine, drawn_others])
    seed_ids = drawn_mine["user_id"].to_pylist()
    found = lookalikes.fit(users, seed_ids, behaviour, leading_categories(users, MOST_CATEGORIES), seed=SEED)

    def scored(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield pa.RecordBatch.from_arrays([batch.column("user_id"), pa.array(found.score(batch))], names=["user_id", "score"])

    scores = others.select("user_id", *COLUMNS).mapInArrow(scored, "user_id string, score double")
    return found, scores.orderBy(F.desc("score"), "user_id").limit(most)
