"""Does a comparison flatter itself? What models gain by a split that lets them learn from what came later."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.estimate import Estimate
from jobs.recommender.comparison import Comparison
from jobs.recommender.gate import POPULARITY
from jobs.recommender.plain_files import Parted

SUSPICIOUS = 0.02
"""Lead over popularity, in the decisive metric, that a leaking split may add before a model is named."""


@dataclass(frozen=True)
class Flattered:
    """A model whose lead over popularity shrinks when time is respected: the leads on the leaking split and on the split by time."""

    name: str
    leaking: Estimate
    by_time: Estimate

    def __str__(self) -> str:
        return (
            f"{self.name}: leads popularity by {self.leaking.signed()} on this split, by {self.by_time.signed()} when it learns nothing "
            "from what came later. Only the second says what it will be worth tomorrow."
        )


def flattered(leaking: Comparison, by_time: Comparison) -> Sequence[Flattered]:
    """The models of both whose least lead on the leaking split is more than ``SUSPICIOUS`` above their greatest lead by time, worst first.

    Popularity is the measure: what a split makes easier for everybody it makes easier for popularity too.
    """
    leads, honest = leaking.leads_over(POPULARITY), by_time.leads_over(POPULARITY)
    found = [Flattered(name, lead, honest[name]) for name, lead in leads.items() if name in honest]
    named = [one for one in found if one.leaking.low > one.by_time.high + SUSPICIOUS]
    return sorted(named, key=lambda one: (one.by_time.mean - one.leaking.mean, one.name))


def is_told(parted: Parted) -> bool:
    """Whether a split leaks time, and the lines say when they were, so that a split by time can stand beside it."""
    return parted.leaks_time and parted.test.where("last_at IS NULL").limit(1).count() == 0


def learnt_from_later(train: DataFrame, test: DataFrame) -> int:
    """Users of whom a line to learn from (last_at) is younger than one to be judged on: a label that its features post-date."""
    last = train.groupBy("user_id").agg(F.max("last_at").alias("last"))
    first = test.groupBy("user_id").agg(F.min("last_at").alias("first"))
    return last.join(first, "user_id").where(F.col("last") > F.col("first")).count()
