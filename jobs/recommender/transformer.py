"""A causal transformer over sequences of items, written once for NumPy and for JAX: arrays in, arrays out."""

from collections.abc import Callable
from typing import Any, NamedTuple

EPSILON = 1e-6
"""Added to a variance before its root is taken."""

HIDDEN = -1e9
"""What an entry that lies ahead weighs before the softmax."""

Drop = Callable[[Any, int], Any]
"""Takes values and the number of the place where they come by, and gives them back, in a training without some."""


class Network(NamedTuple):
    """The learnt arrays, of ``size`` figures an item: ``embeddings`` (items x size) and ``places`` (longest x size).

    Of each block ``attention`` (4 x size x size: query, key, value, output), ``feed`` (2 x size x size) with ``biases`` (2 x size), and, of
    two a block and one at the end, ``norms`` (2 x size: gain and shift).
    """

    embeddings: Any
    places: Any
    attention: Any
    feed: Any
    biases: Any
    norms: Any


def states(xp: Any, network: Network, items: Any, heads: int, drop: Drop = lambda values, _: values) -> Any:
    """Sequences x length x size: what is known after each item of ``items`` (sequences x length, positions), from it and those before.

    ``xp`` is ``numpy`` or ``jax.numpy``. Sequences are filled up at the end. The layers of SASRec (Kang & McAuley 2018), each normed first.
    """
    length, size = items.shape[1], network.embeddings.shape[1]
    ahead = ~xp.tril(xp.ones((length, length), dtype=bool))
    state = drop(network.embeddings[items] * size**0.5 + network.places[:length], 0)
    for block in range(len(network.attention)):
        seen = _normed(xp, state, network.norms[2 * block])
        state = state + drop(_attended(xp, seen, network.attention[block], heads, ahead), 2 * block + 1)
        seen = _normed(xp, state, network.norms[2 * block + 1])
        wide = xp.maximum(seen @ network.feed[block, 0] + network.biases[block, 0], 0)
        state = state + drop(wide @ network.feed[block, 1] + network.biases[block, 1], 2 * block + 2)
    return _normed(xp, state, network.norms[-1])


def _attended(xp: Any, seen: Any, weights: Any, heads: int, ahead: Any) -> Any:
    sequences, length, size = seen.shape
    query, key, value = ((seen @ weights[part]).reshape(sequences, length, heads, size // heads).transpose(0, 2, 1, 3) for part in range(3))
    likeness = query @ key.transpose(0, 1, 3, 2) / (size // heads) ** 0.5
    likeness = xp.where(ahead, HIDDEN, likeness)
    shares = xp.exp(likeness - likeness.max(axis=-1, keepdims=True))
    shares = shares / shares.sum(axis=-1, keepdims=True)
    return (shares @ value).transpose(0, 2, 1, 3).reshape(sequences, length, size) @ weights[3]


def _normed(xp: Any, values: Any, norm: Any) -> Any:
    centred = values - values.mean(axis=-1, keepdims=True)
    return centred / xp.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON) * norm[0] + norm[1]
