"""Slates from a chain of rankers: the first fills what it can, the next what is left, and each row says which model gave it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.recommender.exploration import Explorer, LikeNew
from jobs.recommender.histories import Histories, histories, in_order, places, whole_column
from jobs.recommender.house_rules import NO_RULES, HouseRules
from jobs.recommender.model import SLATE_FRAME
from jobs.recommender.models.content import Content
from jobs.recommender.models.popularity import UNPERSONAL, Popularity
from jobs.recommender.ranker import NOTHING, Ranker, Scores
from jobs.recommender.reasons import REASONS_FRAME, because
from jobs.recommender.slates import Arrangement, Finding, LeftOut, Slates, best

CELLS_A_BLOCK = 4_000_000
"""User-by-item scores that are held at a time: 32 MB. A ranker that can find the best without them is asked to where there are more."""

IS_UNPERSONAL = "is_unpersonal"
"""Column of the asked users: true where nothing may rest on what the user did."""

Pairs = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Rows of users and positions of items, pair by pair."""


@dataclass(frozen=True)
class Unpersonal:
    """Who gets a list that rests on nothing that the user did (``users``, one row a user_id), and what fills it: one list for all."""

    users: DataFrame
    popular: Popularity

    @classmethod
    def of(cls, users: DataFrame | None, popular: Popularity) -> "Unpersonal | None":
        """By what is popular among all; None where it is nobody."""
        return None if users is None else cls(users, replace(popular, name=UNPERSONAL))


@dataclass(frozen=True)
class Chain:
    """Rankers in the order in which they are asked, and what users have done so far. A ``Recommender``.

    ``signals`` (``SIGNALS_FRAME``) may be newer than what the rankers were fitted on: who came later is served by what there is by now.
    What ``rules`` say of categories and boosts needs candidates that have them: ``SHELF_FRAME``. With ``explores``, a day, new items get
    the last places that the rules leave them, by that day's lot, and with ``content`` those before, by what they say of themselves.
    ``segments`` (user_id, segment) says what users belong to, for the rankers that ask.

    The users of ``unpersonal`` get its list alone, under the rules but with nothing taken out or put in for what they did: neither their
    history nor ``exclude`` nor their segment reaches a ranker.
    """

    rankers: tuple[Ranker, ...]
    signals: DataFrame
    rules: HouseRules = NO_RULES
    explores: date | None = None
    segments: DataFrame | None = None
    content: Content | None = None
    unpersonal: Unpersonal | None = None

    def recommend(self, users: DataFrame, k: int, exclude: DataFrame, candidates: DataFrame) -> DataFrame:
        """As ``Recommender.recommend``. A place is empty only where no ranker of the chain has an opinion on any candidate that is left.

        Under ``rules`` also where the cap of every category that is left is reached; scores then fall within each model.
        """
        return self._slates(users, k, exclude, candidates, has_reasons=False)

    def explain(self, users: DataFrame, k: int, exclude: DataFrame, candidates: DataFrame) -> DataFrame:
        """The same lists with their reasons: ``SLATE_FRAME`` and ``REASONS_FRAME``."""
        return self._slates(users, k, exclude, candidates, has_reasons=True)

    def _slates(self, users: DataFrame, k: int, exclude: DataFrame, candidates: DataFrame, *, has_reasons: bool) -> DataFrame:
        ids, arrangement, newcomers = self._shelf(candidates)
        all_rankers, reserved = (*self.rankers, *(ranker for ranker, _ in newcomers)), [count for _, count in newcomers]
        known = histories(self.signals.join(users.select("user_id").distinct(), "user_id", "left_semi"))
        seen = exclude.groupBy("user_id").agg(F.collect_set("item_id").alias("excluded"))
        rows = users.select("user_id").join(known, "user_id", "left").join(seen, "user_id", "left")
        if self.segments is not None:
            rows = rows.join(self.segments.select("user_id", "segment"), "user_id", "left")
        alike: tuple[Ranker, ...] = ()
        if self.unpersonal is not None:
            rows = rows.join(self.unpersonal.users.select("user_id", F.lit(True).alias(IS_UNPERSONAL)), "user_id", "left")
            alike = (self.unpersonal.popular,)
        shared = users.sparkSession.sparkContext.broadcast((all_rankers, alike, ids, arrangement))

        def answer(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            rankers, for_all, item_ids, rules = shared.value
            for batch in batches:
                personal, others = told_apart(batch)
                if personal.num_rows:
                    yield slate_batch(personal, rankers, item_ids, k, arrangement=rules, reserved=reserved, has_reasons=has_reasons)
                if others.num_rows:
                    yield slate_batch(others, for_all, item_ids, k, arrangement=rules, has_reasons=has_reasons)

        frame = f"{SLATE_FRAME}, {REASONS_FRAME}" if has_reasons else SLATE_FRAME
        return rows.mapInArrow(answer, frame)  # type: ignore[arg-type]

    def _shelf(self, candidates: DataFrame) -> tuple[pa.Array, Arrangement | None, list[tuple[Ranker, int]]]:
        """The ids of the candidates in order, what the rules say of them, and who shows the new ones, in how many places."""
        listed = candidates.where("item_id IS NOT NULL")
        if "category_id" not in candidates.columns:
            return in_order(listed.select("item_id").distinct()), None, []
        shelf = listed.toArrow().sort_by("item_id")
        ids, is_new = whole_column(shelf, "item_id"), shelf["is_new"].to_numpy().astype(np.bool_)
        arrangement, newcomers = Arrangement.of(shelf, self.rules), list[tuple[Ranker, int]]()
        if not is_new.any():
            return ids, arrangement, newcomers
        if self.content is not None and self.rules.content_places:
            newcomers.append((LikeNew.of(self.content, ids, is_new), self.rules.content_places))
        if self.explores is not None and self.rules.exploration_places:
            newcomers.append((Explorer.of(ids, is_new, self.explores), self.rules.exploration_places))
        return ids, arrangement, newcomers


def told_apart(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The users who get personal lists, and the others, of whom nothing is left but the id."""
    if IS_UNPERSONAL not in batch.schema.names:
        return batch, batch.slice(0, 0)
    is_unpersonal = pc.fill_null(batch.column(IS_UNPERSONAL), fill_value=False)
    known = batch.drop_columns([IS_UNPERSONAL])
    others = known.filter(is_unpersonal)
    blank = [others.column(field.name) if field.name == "user_id" else pa.nulls(others.num_rows, field.type) for field in known.schema]
    return known.filter(pc.invert(is_unpersonal)), pa.RecordBatch.from_arrays(blank, schema=known.schema)


def slate_batch(
    batch: pa.RecordBatch,
    rankers: Sequence[Ranker],
    item_ids: pa.Array,
    k: int,
    *,
    arrangement: Arrangement | None = None,
    reserved: Sequence[int] = (),
    has_reasons: bool = False,
) -> pa.RecordBatch:
    """The slates of one batch of ``user_id``, ``HISTORIES_FRAME`` and ``excluded``, as ``SLATE_FRAME``, with ``REASONS_FRAME`` if asked."""
    excluded = _pairs(batch.column("excluded"), item_ids)
    slates = chained(batch, rankers, item_ids, k, excluded, arrangement=arrangement, reserved=reserved)
    return _as_rows(batch, slates, rankers, item_ids, has_reasons=has_reasons)


def chained(
    block: pa.RecordBatch,
    rankers: Sequence[Ranker],
    item_ids: pa.Array,
    k: int,
    masked: Pairs,
    *,
    arrangement: Arrangement | None = None,
    reserved: Sequence[int] = (),
) -> Slates:
    """Ask one ranker after the other; a later one fills the places behind those of the earlier ones.

    The last rankers, as many as ``reserved`` has numbers, are asked for so many of the last places alone; the others fill what they leave.
    """
    users, width = block.num_rows, min(k, len(item_ids))
    slates = Slates.empty(users, width)
    ordinary, end = range(len(rankers) - len(reserved)), max(0, width - sum(reserved))
    turns = [(link, end) for link in ordinary]
    for link, count in enumerate(reserved, start=len(ordinary)):
        end = min(width, end + count)
        turns.append((link, end))
    if reserved:
        turns += [(link, width) for link in ordinary]
    for link, end in turns:
        ranker, open_rows = rankers[link], np.flatnonzero(slates.filled < end)
        most = max(1, CELLS_A_BLOCK // max(1, len(item_ids)))
        finding = ranker if arrangement is None and len(open_rows) > most and isinstance(ranker, Finding) else None
        step = most if finding is None else len(open_rows)
        for begin in range(0, len(open_rows), step):
            rows = open_rows[begin : begin + step]
            left_out, asked = _left_out(slates, rows, masked), block.take(pa.array(rows))
            if finding is not None:
                more = _found(finding, asked, item_ids, width, left_out)
            else:
                scores = candidate_scores(ranker, asked, item_ids)
                scores[left_out] = NOTHING
                more = arrangement.best(scores, width, slates.of(rows)) if arrangement else best(scores, width)
            _fill(slates, rows, more, (link, end))
    return slates


def _left_out(slates: Slates, rows: npt.NDArray[np.int64], masked: Pairs) -> Pairs:
    """What some of the users must not get: what is ``masked``, and what they have. Their rows are counted among ``rows``."""
    row_of = np.full(len(slates.filled), -1, dtype=np.int64)
    row_of[rows] = np.arange(len(rows))
    inside = row_of[masked[0]] >= 0
    given = slates.of(rows)
    held = np.nonzero(given.given)
    return np.concatenate([row_of[masked[0]][inside], held[0]]), np.concatenate([masked[1][inside], given.positions[held]])


def _found(ranker: Finding, block: pa.RecordBatch, item_ids: pa.Array, width: int, left_out: Pairs) -> Slates:
    """What a ranker finds among the candidates, as positions in ``item_ids``."""
    place = places(item_ids, ranker.item_ids)
    known = np.flatnonzero(place >= 0)
    number = np.full(len(item_ids), -1, dtype=np.int64)
    number[known] = np.arange(len(known))
    is_known = number[left_out[1]] >= 0
    out = LeftOut.of_pairs(block.num_rows, left_out[0][is_known], number[left_out[1][is_known]])
    found = ranker.best(Histories.of_batch(block, ranker.item_ids), place[known], out, width)
    slates, columns = Slates.empty(block.num_rows, width), found.positions.shape[1]
    slates.positions[:, :columns], slates.scores[:, :columns] = known[found.positions] if columns else 0, found.scores
    slates.filled[:] = found.filled
    return slates


def candidate_scores(ranker: Ranker, block: pa.RecordBatch, item_ids: pa.Array) -> Scores:
    """What a ranker says of the candidates ``item_ids``: users x candidates, ``NOTHING`` for those that it does not know."""
    place = places(item_ids, ranker.item_ids)
    known = place >= 0
    scores = np.full((block.num_rows, len(item_ids)), NOTHING)
    if known.any():
        scores[:, known] = ranker.scores(Histories.of_batch(block, ranker.item_ids))[:, place[known]]
    return scores


def _fill(slates: Slates, rows: npt.NDArray[np.int64], more: Slates, turn: tuple[int, int]) -> None:
    link, end = turn
    for place in range(end):
        offered = (more.filled > place) & (slates.filled[rows] < end)
        at = rows[offered]
        target = slates.filled[at]
        slates.positions[at, target] = more.positions[offered, place]
        slates.scores[at, target] = more.scores[offered, place]
        slates.links[at, target] = link
        slates.filled[at] += 1


def _as_rows(block: pa.RecordBatch, slates: Slates, rankers: Sequence[Ranker], item_ids: pa.Array, *, has_reasons: bool) -> pa.RecordBatch:
    given = slates.given
    rows, ranks = np.nonzero(given)
    names = pa.array([ranker.name for ranker in rankers], pa.string())
    columns = [
        block.column("user_id").take(pa.array(rows)),
        item_ids.take(pa.array(slates.positions[given])),
        pa.array((ranks + 1).astype(np.int32)),
        pa.array(slates.scores[given]),
        names.take(pa.array(slates.links[given])),
    ]
    headings = ["user_id", "item_id", "rank", "score", "model"]
    if has_reasons:
        columns.append(because(block, rankers, item_ids, (rows, slates.positions[given], slates.links[given])))
        headings.append("because")
    return pa.RecordBatch.from_arrays(columns, headings)


def _pairs(lists: pa.Array, item_ids: pa.Array) -> Pairs:
    """(row, position) of the items in ``lists`` that are among ``item_ids``."""
    rows = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    found = pc.index_in(pc.list_flatten(lists), value_set=item_ids)
    known = pc.is_valid(found).to_numpy(zero_copy_only=False)
    return rows[known], pc.fill_null(found, 0).to_numpy(zero_copy_only=False).astype(np.int64)[known]
