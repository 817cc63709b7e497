"""Learns a transformer on JAX. Imported by ``SasrecTrainer.fit`` alone: the packages are an extra (``requirements-sequence.txt``)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from jobs.recommender.transformer import Drop, Network, states

SPREAD = 0.02
"""Standard deviation of the first embeddings."""


@dataclass(frozen=True)
class Course:
    """How a network is trained: its shape, and what the steps are like."""

    size: int
    blocks: int
    heads: int
    dropout: float
    learning_rate: float
    epochs: int
    batch: int
    seed: int


def trained(windows: npt.NDArray[np.int32], items: int, course: Course) -> Network:
    """Minimise the cross-entropy of each window's next items over all items, by Adam; arrays of NumPy, float32.

    ``windows`` (windows x length + 1) are positions of items, filled up with -1 at the end. The same windows and seed give the same network
    on the same kind of machine.
    """
    first, key = jax.random.split(jax.random.key(course.seed))
    network = beginning(first, items, windows.shape[1] - 1, course)
    optimiser = optax.adam(course.learning_rate)
    memory = optimiser.init(network)

    def step(network: Network, memory: Any, batch: Any, key: Any) -> tuple[Network, Any]:
        slope = jax.grad(loss)(network, batch, key, course)
        change, memory = optimiser.update(slope, memory)
        return optax.apply_updates(network, change), memory

    compiled = jax.jit(step)
    for number, batch in enumerate(batches(windows, course)):
        network, memory = compiled(network, memory, batch, jax.random.fold_in(key, number))
    return Network(*(np.asarray(values, dtype=np.float32) for values in network))


def loss(network: Network, batch: Any, key: Any, course: Course) -> Any:
    """Mean cross-entropy of the next item, in nats, over all items of the catalogue."""
    wanted = batch[:, 1:]
    is_there = wanted >= 0
    found = states(jnp, network, jnp.maximum(batch[:, :-1], 0), course.heads, dropping(key, course.dropout))
    each = optax.softmax_cross_entropy_with_integer_labels(found @ network.embeddings.T, jnp.maximum(wanted, 0))
    return (each * is_there).sum() / jnp.maximum(is_there.sum(), 1)


def dropping(key: Any, share: float) -> Drop:
    """Leave out a share of all values at each place, and make up for it by the rest."""

    def drop(values: Any, place: int) -> Any:
        kept = jax.random.bernoulli(jax.random.fold_in(key, place), 1 - share, values.shape)
        return jnp.where(kept, values / (1 - share), 0.0)

    return drop


def beginning(key: Any, items: int, longest: int, course: Course) -> Network:
    """The network before it has seen anything."""
    size, blocks = course.size, course.blocks
    keys = jax.random.split(key, 4)
    glorot = jax.nn.initializers.glorot_uniform()
    norm = jnp.stack([jnp.ones(size), jnp.zeros(size)])
    return Network(
        embeddings=SPREAD * jax.random.normal(keys[0], (items, size)),
        places=SPREAD * jax.random.normal(keys[1], (longest, size)),
        attention=glorot(keys[2], (blocks, 4, size, size)),
        feed=glorot(keys[3], (blocks, 2, size, size)),
        biases=jnp.zeros((blocks, 2, size)),
        norms=jnp.tile(norm, (2 * blocks + 1, 1, 1)),
    )


def batches(windows: npt.NDArray[np.int32], course: Course) -> Iterator[npt.NDArray[np.int32]]:
    """Epoch after epoch all windows in another order, ``batch`` at a time; the last batch of an epoch is filled up with empty ones."""
    chance = np.random.default_rng(course.seed)
    for _ in range(course.epochs):
        mixed = windows[chance.permutation(len(windows))]
        for start in range(0, len(mixed), course.batch):
            batch = np.full((course.batch, windows.shape[1]), -1, dtype=np.int32)
            part = mixed[start : start + course.batch]
            batch[: len(part)] = part
            yield batch
