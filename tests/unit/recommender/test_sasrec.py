"""Claims about SASRec. Those about learning are skipped where JAX is not installed; scoring needs NumPy alone."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs.errors import MissingExtraError, TooLargeError
from jobs.recommender import family
from jobs.recommender.histories import Histories
from jobs.recommender.models import sasrec
from jobs.recommender.models.sasrec import Sasrec, SasrecTrainer, windowed
from jobs.recommender.ranker import NOTHING, load, save
from jobs.recommender.transformer import Network, states
from stack.settings import CHECKOUT
from tests.unit.recommender.test_family import ModelContract, circles, signals

learning = pytest.mark.skipif(not SasrecTrainer.is_available(), reason="JAX is not installed: requirements-sequence.txt has what is needed")

SMALL = SasrecTrainer(size=8, blocks=1, heads=2, longest=6, dropout=0.0, learning_rate=0.01, epochs=40, batch=16)


@learning
class TestSasrec(ModelContract):
    trainer = SMALL
    is_order_free = False
    falls_without_the_strongest = False  # another sequence is another question

    def test_more_than_it_is_meant_for_is_refused(self, spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sasrec, "MOST_ITEMS", 3)
        with pytest.raises(TooLargeError, match="at most 3 items"):
            self.trainer.fit(signals(spark, circles()))


def network(items: int = 9, longest: int = 5, size: int = 4, blocks: int = 2) -> Network:
    chance = np.random.default_rng(3)
    shapes = (
        (items, size),
        (longest, size),
        (blocks, 4, size, size),
        (blocks, 2, size, size),
        (blocks, 2, size),
        (2 * blocks + 1, 2, size),
    )
    return Network(*(chance.normal(size=shape).astype(np.float32) for shape in shapes))


def ranker(items: int = 9) -> Sasrec:
    return Sasrec(pa.array([f"i{at}" for at in range(items)]), *network(items), heads=2)


def block(*own: list[int], items: int = 9) -> Histories:
    flat = np.asarray([at for mine in own for at in mine], dtype=np.int64)
    ends = np.cumsum([0, *(len(mine) for mine in own)]).astype(np.int64)
    return Histories(items, ends, flat, np.ones(len(flat)), np.zeros(len(flat), dtype=np.int64))


def test_what_is_known_after_an_item_does_not_depend_on_what_came_later() -> None:
    both = states(np, network(), np.array([[1, 2, 3, 4], [1, 2, 8, 0]]), 2)
    assert both[0, :2] == pytest.approx(both[1, :2])
    assert both[0, 2] != pytest.approx(both[1, 2])


def test_attention_is_that_of_the_book() -> None:
    """One head, one item after another: the second attends to both by the softmax of its products, worked out in steps."""
    one = network(blocks=1)
    items = np.array([[1, 2]])
    start = one.embeddings[items[0]] * 2 + one.places[:2]

    def normed(values: npt.NDArray[np.float64], norm: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        spread: npt.NDArray[np.float64] = (values - values.mean()) / np.sqrt(values.var() + 1e-6) * norm[0] + norm[1]
        return spread

    first, second = (normed(row, one.norms[0]) for row in start)
    query, (key, value) = second @ one.attention[0, 0], ([row @ one.attention[0, part] for row in (first, second)] for part in (1, 2))
    chances = np.exp([query @ key[0] / 2, query @ key[1] / 2])
    chances /= chances.sum()
    after = start[1] + (chances[0] * value[0] + chances[1] * value[1]) @ one.attention[0, 3]
    wide = np.maximum(normed(after, one.norms[1]) @ one.feed[0, 0] + one.biases[0, 0], 0)
    after = after + wide @ one.feed[0, 1] + one.biases[0, 1]
    assert states(np, one, items, 1)[0, 1] == pytest.approx(normed(after, one.norms[2]), abs=1e-5)


def test_a_user_is_scored_alike_whoever_is_in_the_block_and_by_the_last_items_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    model, own = ranker(), [[3, 1], [], [8], [0, 1, 2, 3, 4, 5, 6]]
    together = model.scores(block(*own))
    assert (together[1] == NOTHING).all()
    assert model.scores(block([2, 3, 4, 5, 6]))[0] == pytest.approx(together[3])
    monkeypatch.setattr(sasrec, "USERS_A_STEP", 1)
    assert model.scores(block(*own))[[0, 2, 3]] == pytest.approx(together[[0, 2, 3]])


def test_what_entries_added_when_they_came_sums_to_the_score() -> None:
    model, known = ranker(), block([7], [0, 1, 2, 3, 4, 5, 6])
    parts = model.contributions(known, 1, np.arange(9))
    assert parts.sum(axis=1) == pytest.approx(model.scores(known)[1], abs=1e-9)
    assert (parts[:, :2] == 0).all(), "before the last five"
    assert parts[:, 2] == pytest.approx(model.scores(block([2]))[0]), "the first of the sequence, alone"


def test_windows_ask_once_for_every_item_but_the_first() -> None:
    windows = windowed(block([0, 1, 2, 3, 4, 5, 6], [8], [3, 4]), 3)
    assert windows.tolist() == [[3, 4, 5, 6], [0, 1, 2, 3], [3, 4, -1, -1]]


def test_arrays_from_files_are_scored_where_there_is_no_jax(tmp_path: Path) -> None:
    model = ranker()
    save(model, tmp_path)
    without = (
        "import sys; sys.modules['jax'] = sys.modules['optax'] = None\n"
        "import json, numpy as np\nfrom pathlib import Path\n"
        "from jobs.recommender.histories import Histories\nfrom jobs.recommender.models.sasrec import Sasrec\n"
        "from jobs.recommender.ranker import load\n"
        "own = Histories(9, np.array([0, 2]), np.array([3, 1]), np.ones(2), np.zeros(2, dtype=np.int64))\n"
        "print(json.dumps(load(Sasrec, Path(sys.argv[1])).scores(own)[0].tolist()))\n"
    )
    done = subprocess.run([sys.executable, "-c", without, str(tmp_path)], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert json.loads(done.stdout) == pytest.approx(model.scores(block([3, 1]))[0].tolist())
    assert load(Sasrec, tmp_path).heads == 2


def test_without_jax_the_trainer_says_what_to_install_and_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sasrec, "find_spec", lambda name: None if name == "jax" else object())
    with pytest.raises(MissingExtraError, match=r"sasrec: expected the packages of requirements-sequence.txt; found no jax. Install them"):
        family.chosen(["sasrec"])
    assert "sasrec" not in {trainer.name for trainer in family.chosen(None)}
    monkeypatch.setattr(sasrec, "find_spec", lambda _: object())
    assert "sasrec" in {trainer.name for trainer in family.chosen(None)}


@learning
def test_scores_in_numpy_are_those_of_jax() -> None:
    import jax.numpy as jnp  # noqa: PLC0415 - an extra

    items = np.array([[1, 2, 3, 4, 5], [8, 0, 8, 1, 1]])
    there = np.asarray(states(jnp, Network(*(jnp.asarray(values) for values in network())), jnp.asarray(items), 2))
    assert states(np, network(), items, 2) == pytest.approx(there, abs=1e-4)


@learning
def test_a_planted_sequence_is_learnt_and_the_same_windows_give_the_same_network() -> None:
    """After an item comes the one three places on: in a circle of 9, whatever came before."""
    from jobs.recommender.sequence_training import Course, trained  # noqa: PLC0415 - an extra

    own = [[(start + 3 * step) % 9 for step in range(3)] for start in range(9)]
    course = Course(size=8, blocks=1, heads=1, dropout=0.0, learning_rate=0.02, epochs=60, batch=16, seed=1)
    learnt = [trained(windowed(block(*own), 5), 9, course) for _ in range(2)]
    assert all(np.array_equal(one, other) for one, other in zip(*learnt, strict=True))
    model = Sasrec(pa.array([f"i{at}" for at in range(9)]), *learnt[0], heads=1)
    found = model.scores(block(*([at] for at in range(9))))
    assert found.argmax(axis=1).tolist() == [(at + 3) % 9 for at in range(9)]
