"""A hybrid: several models propose, and trees that have seen what users did next order the proposals (LambdaMART, Burges 2010)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.recommender import boosting
from jobs.recommender.boosting import Boosting, Features
from jobs.recommender.bootstrap import paired_difference
from jobs.recommender.candidates import Moment, Panel, item_facts, ranks_of, scores_of
from jobs.recommender.histories import Histories, blocks, catalogue, histories, places, valid
from jobs.recommender.histories import sampled as some_of
from jobs.recommender.metrics import K, ideal_gain
from jobs.recommender.models.als import AlsTrainer
from jobs.recommender.models.ease import EaseTrainer
from jobs.recommender.models.item_neighbours import ItemNeighboursTrainer
from jobs.recommender.models.markov import MarkovTrainer
from jobs.recommender.models.popularity import PopularityTrainer
from jobs.recommender.models.vmis_knn import VmisKnnTrainer
from jobs.recommender.ranker import NOTHING, Explaining, Ranker, Scores, Trainer

Integers = npt.NDArray[np.int64]

MOST_LEARNERS = 5_000
"""Users whose pairs are learnt from, more are sampled by the hash of their ids: some 200 pairs each are 120 MB on the driver."""

LEAST_LEARNERS = 50
"""Below so many users with a right answer among what was proposed, nothing is learnt."""

FOLDS = 3
"""Parts of the learners, by the order of their ids: each is judged by trees of the others."""

MEMBERS: tuple[Trainer, ...] = (
    AlsTrainer(),
    EaseTrainer(),
    ItemNeighboursTrainer(),
    MarkovTrainer(),
    VmisKnnTrainer(),
    PopularityTrainer(),
)

TREES = Boosting()

LESSON_FRAME = "user_id string, features binary, labels binary, right int"


@dataclass(frozen=True)
class Hybrid:
    """``members`` propose ``most`` items each, the ``trees`` (JSON) order them, by ``facts`` about items as of ``at`` (``Moment``).

    Without trees the order is that of one member, ``leader`` (its place).
    """

    item_ids: pa.Array
    members: tuple[Ranker, ...]
    facts: Features
    at: int
    lately: int
    most: int
    leader: int
    trees: str
    name: str = "hybrid"

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``: nothing for what no member proposes, nor, where trees decide, for somebody without a history."""
        if not self.trees:
            return self._panel.opinion(self.members[self.leader], histories)
        found = np.full((histories.users, len(self.item_ids)), NOTHING)
        for start, pairs in self._panel.propose(histories):
            leading = scores_of(pairs.features, self.leader)
            found[start + pairs.rows, pairs.positions] = boosting.ordered(self.trees, pairs.features, leading)
        return found

    def advocates(self, histories: Histories, row: int, positions: Integers) -> tuple[Integers, Scores]:
        """As ``Delegating.advocates``: the member that ranks the item best, of those that explain themselves; the first of equals."""
        user = histories.rows(row, row + 1)
        ahead = np.full((len(self.members), len(positions)), np.inf)
        for place, member in enumerate(self.members):
            if isinstance(member, Explaining) and (self.trees or place == self.leader):
                scores = self._panel.opinion(member, user)[0]
                mine = scores[positions]
                ahead[place] = np.where(np.isfinite(mine), (scores > mine[:, None]).sum(axis=1), np.inf)
        who = np.where(np.isfinite(ahead).any(axis=0), ahead.argmin(axis=0), -1)
        parts = np.zeros((len(positions), len(user.positions)))
        for place in np.unique(who[who >= 0]):
            parts[who == place] = self._panel.contributions(self.members[place], user, positions[who == place])
        return who, parts

    @property
    def _panel(self) -> Panel:
        return Panel(self.members, self.item_ids, self.facts, Moment(self.at, self.lately), self.most)


@dataclass(frozen=True)
class Lesson:
    """What was proposed to each user and which of it was right: ``groups`` is the user of each pair, ``right`` all right answers a user."""

    features: Features
    labels: npt.NDArray[np.int8]
    groups: Integers
    right: Integers

    def hits(self) -> Integers:
        """How many right answers were proposed to each user: of those with none there is nothing to learn."""
        return np.bincount(self.groups[self.labels > 0], minlength=len(self.right)).astype(np.int64)

    def alone(self, member: int) -> npt.NDArray[np.float64]:
        """ndcg_at_10 of each user by the order of one member."""
        scores = scores_of(self.features, member)
        return self.gain(np.where(np.isfinite(ranks_of(self.features, member)), scores, NOTHING))

    def of(self, users: npt.NDArray[np.bool_]) -> "Lesson":
        """The pairs of some users, which are numbered anew."""
        kept = users[self.groups]
        return Lesson(self.features[kept], self.labels[kept], (np.cumsum(users) - 1)[self.groups[kept]], self.right[users])

    def gain(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """ndcg_at_10 of each user when pairs are ordered by ``scores``."""
        order = np.lexsort((-scores, self.groups))
        starts = np.searchsorted(self.groups, np.arange(len(self.right)))
        places = np.arange(len(order)) - starts[self.groups]
        hits = (places < K) & (self.labels[order] > 0) & np.isfinite(scores[order])
        gains = np.bincount(self.groups[hits], weights=1 / np.log2(places[hits] + 2), minlength=len(self.right))
        ideal = np.array([ideal_gain(K, count) for count in range(1, K + 1)])
        found: npt.NDArray[np.float64] = gains / ideal[np.minimum(self.right, K) - 1]
        return found


@dataclass(frozen=True)
class Parted:
    """Signals to propose from and signals to be right about, with the moment between them and the one at which both are over."""

    earlier: DataFrame
    later: DataFrame
    then: Moment
    now: Moment


@dataclass(frozen=True)
class HybridTrainer:
    """Members are fitted on what was earlier and propose; what their users touched in the last ``later`` of all signals is right.

    The trees learn from up to ``MOST_LEARNERS`` users; then the members are fitted anew on everything, so a fit costs a little more than
    twice its members. ``most``: items a member and user. Trees that are not surely ahead of the best member, on users that they have not
    learnt from, are dropped, and that member leads alone; the first of ``members`` does where too few users have a later part.
    """

    members: tuple[Trainer, ...] = MEMBERS
    most: int = 50
    later: float = 0.2
    boosting: Boosting = TREES
    least_learners: int = LEAST_LEARNERS
    least_lead: float = 0.0
    seed: int = 17
    name: str = "hybrid"

    def fit(self, signals: DataFrame) -> Hybrid:
        """As ``Trainer.fit``. Raises TooLargeError where a member does."""
        known = valid(signals).persist(StorageLevel.MEMORY_AND_DISK)
        parted = part(known, self.later, self.seed)
        leader, trees = self._learnt(self.lesson(parted))
        item_ids = catalogue(known)
        members = tuple(trainer.fit(known) for trainer in self.members)
        facts = item_facts(known, item_ids, parted.now)
        known.unpersist()
        return Hybrid(item_ids, members, facts, parted.now.at, parted.now.lately, self.most, leader, trees, self.name)

    def lesson(self, parted: Parted) -> Lesson | None:
        """What the members, knowing what was earlier, propose to users who have a later part; None where these are too few."""
        earlier = parted.earlier.persist(StorageLevel.MEMORY_AND_DISK)
        returned = parted.later.join(earlier.select("user_id").distinct(), "user_id", "left_semi")
        learners = returned.groupBy("user_id").agg(F.collect_set("item_id").alias("answers")).persist(StorageLevel.MEMORY_AND_DISK)
        count = learners.count()
        found = self._lesson(earlier, sampled(learners, count), parted.then) if count >= self.least_learners else None
        learners.unpersist()
        earlier.unpersist()
        return found

    def _lesson(self, earlier: DataFrame, learners: DataFrame, then: Moment) -> Lesson:
        item_ids = catalogue(earlier)
        members = tuple(trainer.fit(earlier) for trainer in self.members)
        panel = Panel(members, item_ids, item_facts(earlier, item_ids, then), then, self.most)
        shared = earlier.sparkSession.sparkContext.broadcast(panel)

        def ask(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            panel = shared.value
            for batch, known in blocks(batches, panel.item_ids):
                yield answered(batch, known, panel)

        rows = histories(earlier.join(learners.select("user_id"), "user_id", "left_semi")).join(learners, "user_id")
        lessons = rows.mapInArrow(ask, LESSON_FRAME).toArrow().sort_by("user_id")  # type: ignore[arg-type]
        shared.unpersist()
        counts = np.asarray([len(one) for one in lessons["labels"].to_pylist()], dtype=np.int64)
        return Lesson(
            np.frombuffer(b"".join(lessons["features"].to_pylist()), dtype=np.float32).reshape(-1, len(panel.names())),
            np.frombuffer(b"".join(lessons["labels"].to_pylist()), dtype=np.int8),
            np.repeat(np.arange(len(counts)), counts),
            lessons["right"].to_numpy().astype(np.int64),
        )

    def _learnt(self, lesson: Lesson | None) -> tuple[int, str]:
        """The leading member and the trees, if they are surely ahead of it."""
        if lesson is None or np.count_nonzero(lesson.hits()) < max(1, self.least_learners):
            return 0, ""
        alone = [lesson.alone(place) for place in range(len(self.members))]
        leader = int(np.argmax([round(float(gains.mean()), 9) for gains in alone]))
        apart = np.arange(len(lesson.right)) % FOLDS
        gains = np.zeros(len(lesson.right))
        for fold in range(FOLDS):
            mine = lesson.of(apart == fold)
            trees = self._trees(lesson.of(apart != fold), leader)
            gains[apart == fold] = mine.gain(boosting.ordered(trees, mine.features, scores_of(mine.features, leader)))
        before = lesson.gain(boosting.ordered("", lesson.features, scores_of(lesson.features, leader)))
        is_ahead = paired_difference(gains, before, seed=self.seed).low > self.least_lead
        return leader, self._trees(lesson, leader) if is_ahead else ""

    def _trees(self, lesson: Lesson, leader: int) -> str:
        told = lesson.of(lesson.hits() > 0)
        if not len(told.labels):
            return ""
        return self.boosting.learn(told.features, told.labels, told.groups, scores_of(told.features, leader))


def part(signals: DataFrame, later: float, seed: int) -> Parted:
    """Cut by time: the last ``later`` of the rows, whole instants; lately is, at both moments, what the last ``later`` before it took.

    Where no times are known a share by the hash of the pair is later.
    """
    at, shares = F.unix_micros("last_at"), ((1 - later) ** 2, 1 - later, 1.0)
    found = signals.agg(*(F.expr(f"percentile_disc({share}) WITHIN GROUP (ORDER BY unix_micros(last_at))") for share in shares)).first()
    lately, edge, end = (int(instant or 0) for instant in found or (0, 0, 0))
    if edge == end:
        chance = F.pmod(F.xxhash64(F.lit(seed), "user_id", "item_id"), F.lit(1000)) < round(1000 * later)
        return Parted(signals.where(~chance), signals.where(chance), Moment(0, 0), Moment(0, 0))
    is_later = F.coalesce(at > edge, F.lit(False))
    return Parted(signals.where(~is_later), signals.where(is_later), Moment(edge, lately), Moment(end, edge))


def sampled(learners: DataFrame, count: int) -> DataFrame:
    """About ``MOST_LEARNERS`` of the ``count`` users, by the hash of their ids."""
    return some_of(learners, count, MOST_LEARNERS)


def answered(batch: pa.RecordBatch, known: Histories, panel: Panel) -> pa.RecordBatch:
    """``LESSON_FRAME`` of a batch with ``answers``: the proposed pairs that are new to their user, and which of them were right."""
    items, answers = len(panel.item_ids), batch.column("answers")
    right = places(pc.list_flatten(answers), panel.item_ids)
    right_pairs = (pc.list_parent_indices(answers).to_numpy().astype(np.int64) * items + right)[right >= 0]
    had_pairs = np.repeat(np.arange(known.users), np.diff(known.indptr)) * items + known.positions
    features, labels = [b""] * known.users, [b""] * known.users
    for start, found in panel.propose(known):
        pairs = (start + found.rows) * items + found.positions
        is_new = ~np.isin(pairs, had_pairs)
        rows, is_right = start + found.rows[is_new], np.isin(pairs[is_new], right_pairs).astype(np.int8)
        new_features = found.features[is_new]
        users, firsts = np.unique(rows, return_index=True)
        for user, first, end in zip(users, firsts, [*firsts[1:], len(rows)], strict=True):
            features[user] = new_features[first:end].tobytes()
            labels[user] = is_right[first:end].tobytes()
    columns = [pa.array(features, pa.binary()), pa.array(labels, pa.binary()), pc.list_value_length(answers).cast(pa.int32())]
    return pa.RecordBatch.from_arrays([batch.column("user_id"), *columns], ["user_id", "features", "labels", "right"])
