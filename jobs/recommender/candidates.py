"""What several models propose to a user, and what a learned ranker may know of each pair: nothing younger than the moment of asking."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.recommender.boosting import Features
from jobs.recommender.chain import CELLS_A_BLOCK
from jobs.recommender.histories import Histories, places, valid
from jobs.recommender.ranker import NOTHING, Explaining, Ranker, Scores, SimilarItems
from jobs.recommender.slates import best, rounded

Integers = npt.NDArray[np.int64]

LAST = 3
"""Entries of a history that say what a user is at now."""

MICROS_A_DAY = 86_400_000_000

OF_AN_OPINION = ("score", "rank")
OF_AN_ITEM = ("users", "lately_share", "last_age_days", "first_age_days")
OF_A_USER = ("entries", "lately_share", "last_age_days", "first_age_days")


@dataclass(frozen=True)
class Moment:
    """When users are asked about, and since when is lately: microseconds since 1970, both 0 where no times are known."""

    at: int
    lately: int


@dataclass(frozen=True)
class Candidates:
    """Pairs of a user (``rows`` of the block) and an item (``positions``), by both; ``features``: pairs x ``Panel.names``."""

    rows: Integers
    positions: Integers
    features: Features


@dataclass(frozen=True)
class Panel:
    """Who proposes, ``most`` items each: members over one catalogue, with the facts about its items (``item_facts``) at one moment."""

    members: tuple[Ranker, ...]
    item_ids: pa.Array
    facts: Features
    moment: Moment
    most: int

    def names(self) -> tuple[str, ...]:
        """Names of the features, in their order."""
        opinions = [f"{member.name}_{figure}" for member in self.members for figure in OF_AN_OPINION]
        near = [f"{member.name}_of_the_last" for member in self.members if isinstance(member, SimilarItems)]
        facts = [*(f"item_{name}" for name in OF_AN_ITEM), *(f"user_{name}" for name in OF_A_USER)]
        return (*opinions, "proposals", *near, *facts)

    def propose(self, known: Histories) -> Iterator[tuple[int, Candidates]]:
        """What is proposed to users who have a history, in blocks, each with the row that it begins at.

        Of each member the ``most`` best items that are new to the user, and as many that are not: whether these may be shown is for the
        caller to say.
        """
        step = max(1, CELLS_A_BLOCK // max(1, len(self.item_ids) * len(self.members)))
        for start in range(0, known.users, step):
            yield start, self._proposed(known.rows(start, min(start + step, known.users)))

    def _proposed(self, known: Histories) -> Candidates:
        opinions = [self.opinion(member, known) for member in self.members]
        has = np.asarray(known.matrix().todense() > 0)
        is_proposed, heads = np.zeros(has.shape, dtype=np.bool_), []
        for scores in opinions:
            scores[~has.any(axis=1)] = NOTHING
            new, old = best(np.where(has, NOTHING, scores), self.most), best(np.where(has, scores, NOTHING), self.most)
            for found in (new, old):
                rows, ranks = np.nonzero(found.given)
                is_proposed[rows, found.positions[rows, ranks]] = True
            heads.append(np.where(new.given, new.scores, NOTHING))
        rows, positions = np.nonzero(is_proposed)
        columns: list[Scores] = []
        for scores, head in zip(opinions, heads, strict=True):
            columns += [_placed(scores[rows, positions], head[rows]), _ranked(scores[rows, positions], head[rows])]
        proposals = np.isfinite(np.column_stack(columns[1 :: len(OF_AN_OPINION)])).sum(axis=1)
        last, similar = known.last(LAST), [member for member in self.members if isinstance(member, SimilarItems)]
        near = [_share(self.opinion(member, last)[rows, positions], rows, known.users) for member in similar]
        features = np.column_stack([*columns, proposals, *near, self.facts[positions], user_facts(known, self.moment)[rows]])
        return Candidates(rows, positions, features.astype(np.float32))

    def opinion(self, member: Ranker, known: Histories) -> Scores:
        """The scores of a member over the catalogue, which may be another than its own, rounded as for a list."""
        if member.item_ids.equals(self.item_ids):
            return rounded(member.scores(known))
        there, here = places(self.item_ids, member.item_ids), places(member.item_ids, self.item_ids)
        found = np.full((known.users, len(self.item_ids)), NOTHING)
        found[:, here[here >= 0]] = member.scores(known.over(there, len(member.item_ids)))[:, here >= 0]
        return rounded(found)

    def contributions(self, member: Ranker, user: Histories, positions: Integers) -> Scores:
        """What each entry of one user's history adds to the member's score of ``positions``: positions x entries, zeros if it is silent."""
        there = places(self.item_ids, member.item_ids)
        found = np.zeros((len(positions), len(user.positions)))
        if isinstance(member, Explaining):
            found[:, there[user.positions] >= 0] = member.contributions(user.over(there, len(member.item_ids)), 0, there[positions])
        return found


def scores_of(features: Features, member: int) -> Features:
    """The score that the member gives to each pair, as a feature: NaN where it has no opinion."""
    return features[:, member * len(OF_AN_OPINION)]


def ranks_of(features: Features, member: int) -> Features:
    """The rank that the member gives to each pair, NaN where it does not propose it."""
    return features[:, member * len(OF_AN_OPINION) + 1]


def item_facts(signals: DataFrame, item_ids: pa.Array, moment: Moment) -> Features:
    """Items x ``OF_AN_ITEM`` at ``moment``, by signals that must not be younger: four figures an item on the driver.

    ln(1 + users), the share of them whose last touch was lately, days since the last touch and since the first user's last.
    """
    at = F.coalesce(F.unix_micros("last_at"), F.lit(0))
    by_item = valid(signals).groupBy("item_id")
    found = by_item.agg(
        F.count("*").alias("users"), F.count_if(at > moment.lately).alias("lately"), F.max(at).alias("last"), F.min(at).alias("first")
    ).toArrow()
    order = places(item_ids, found["item_id"].combine_chunks())
    users, lately, last, first = (found[name].to_numpy().astype(np.float64)[order] for name in ("users", "lately", "last", "first"))
    facts: Features = np.column_stack([np.log1p(users), lately / users, _days(moment, last), _days(moment, first)]).astype(np.float32)
    return facts


def user_facts(known: Histories, moment: Moment) -> Features:
    """Users x ``OF_A_USER`` at ``moment``: as of the items; nothing but zeros and NaN for somebody without a history."""
    counts = np.diff(known.indptr)
    some = counts > 0
    facts = np.full((known.users, len(OF_A_USER)), np.nan, dtype=np.float32)
    facts[:, 0] = np.log1p(counts)
    lately = np.concatenate([[0], np.cumsum(known.times > moment.lately)])[known.indptr]
    facts[some, 1] = np.diff(lately)[some] / counts[some]
    facts[some, 2] = _days(moment, known.times[known.indptr[1:][some] - 1].astype(np.float64))
    facts[some, 3] = _days(moment, known.times[known.indptr[:-1][some]].astype(np.float64))
    return facts


def _days(moment: Moment, times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Days from ``times`` to the moment, 0 for what is younger, NaN where no time is known."""
    return np.where(times > 0, np.maximum(moment.at - times, 0.0) / MICROS_A_DAY, np.nan)


def _placed(scores: Scores, heads: Scores) -> Scores:
    """Scores as places between the best of ``heads`` (pairs x most, falling), 1, and the last, 0; NaN where there is no opinion."""
    high = heads[:, 0] if heads.shape[1] else np.full(len(heads), NOTHING)
    low = np.where(np.isfinite(heads), heads, np.inf).min(axis=1, initial=np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Scores = np.where(high > low, (scores - low) / (high - low), np.where(scores >= high, 1.0, 0.0))
    return np.where(np.isfinite(scores), found, np.nan)


def _ranked(scores: Scores, heads: Scores) -> Scores:
    """1 + how many of ``heads`` are greater; NaN behind the last of them."""
    ranks = 1.0 + (heads > scores[:, None]).sum(axis=1)
    return np.where(np.isfinite(scores) & (ranks <= np.maximum(heads.shape[1], 1)), ranks, np.nan)


def _share(scores: Scores, rows: Integers, users: int) -> Scores:
    """Scores as shares of the greatest of their user, NaN where there is no opinion."""
    finite = np.where(np.isfinite(scores), scores, 0.0)
    greatest = np.zeros(users)
    np.maximum.at(greatest, rows, np.abs(finite))
    return np.where(np.isfinite(scores), finite / np.maximum(greatest, 1e-12)[rows], np.nan)
