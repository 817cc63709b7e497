"""A small planted shop, as rows of ``gold.user_features`` in Arrow: four kinds of behaviour, three tastes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

CATEGORIES = ("books", "garden", "shoes", "tea", "toys", "wine")
TASTES = (("books", "tea"), ("garden", "wine"), ("shoes", "toys"))
KINDS = {
    # tenure, recency, active days, carts, orders, spend by order
    "regulars": (90, 2, 30, 25, 12, 4000),
    "newcomers": (6, 1, 3, 2, 1, 3000),
    "gone": (88, 60, 8, 6, 3, 3500),
    "lookers": (80, 3, 12, 0, 0, 0),
}
SCHEMA = pa.schema(
    [
        ("user_id", pa.string()),
        *[
            (name, pa.int64())
            for name in ("recency_days", "tenure_days", "active_days", "add_to_cart_count", "order_count", "spend_minor", "units_bought")
        ],
        ("top_categories", pa.list_(pa.struct([("category_id", pa.string()), ("event_count", pa.int64())]))),
    ]
)


def planted(users: int, *, seed: int = 4, has_prices: bool = True) -> tuple[pa.Table, list[str], list[int]]:
    """Users with their kinds and tastes; kinds and tastes are independent."""
    drawn = np.random.default_rng(seed)
    rows, kinds, tastes = [], [], []
    for number in range(users):
        kind, taste = str(drawn.choice(list(KINDS))), int(drawn.integers(len(TASTES)))
        rows.append(_user(number, kind, taste, drawn, has_prices=has_prices))
        kinds.append(kind)
        tastes.append(taste)
    return pa.Table.from_pylist(rows, schema=SCHEMA), kinds, tastes


def liking(users: pa.Table, lists: Sequence[Sequence[tuple[str, int]]]) -> pa.Table:
    """The users with other categories and counts of events, a list each."""
    at = SCHEMA.get_field_index("top_categories")
    entries = [[{"category_id": name, "event_count": count} for name, count in one] for one in lists]
    return users.set_column(at, SCHEMA.field(at), pa.array(entries, SCHEMA.field(at).type))


def another_week(kinds: Sequence[str], tastes: Sequence[int], *, seed: int) -> pa.Table:
    """The users of ``planted`` in a week that has its own chance: each is of the given kind and taste, no figure is that of before."""
    drawn = np.random.default_rng(seed)
    rows = [_user(number, kind, taste, drawn) for number, (kind, taste) in enumerate(zip(kinds, tastes, strict=True))]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _user(number: int, kind: str, taste: int, drawn: np.random.Generator, *, has_prices: bool = True) -> dict[str, Any]:
    tenure, recency, active, carts, orders, price = (int(drawn.poisson(mean)) for mean in KINDS[kind])
    orders = 0 if kind == "lookers" else max(orders, 1)
    share = np.full(len(CATEGORIES), 0.2 / len(CATEGORIES)) + [0.4 * (name in TASTES[taste]) for name in CATEGORIES]
    counts = drawn.multinomial(20, share / share.sum())
    liked = sorted(((-int(count), name) for name, count in zip(CATEGORIES, counts, strict=True) if count))
    return {
        "user_id": f"u{number:05d}",
        "recency_days": recency,
        "tenure_days": max(tenure, recency),
        "active_days": max(1, active),
        "add_to_cart_count": carts,
        "order_count": orders,
        "spend_minor": orders * price if has_prices or not orders else None,
        "units_bought": orders * 2,
        "top_categories": [{"category_id": name, "event_count": -count} for count, name in liked],
    }
