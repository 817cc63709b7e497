"""The shelves of a synthetic shop: items, prices by day, bundles, steps, stock-outs, seasons. Pure numpy; the same for the same shop."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.sources.synthetic.shop import CURRENCY, Shop, Stream
from jobs.sources.synthetic.vocabulary import (
    ADJECTIVES,
    BRANDS,
    CATEGORIES,
    CLUSTERS,
    FIRST_CATEGORY_SHARE,
    SEASON_WIDTH_DAYS,
    SECOND_CATEGORY_SHARE,
    Category,
)

POPULARITY_EXPONENT = 0.9
"""Within a category the item of rank r is looked at in proportion to r to the minus this (a power law)."""
PROMOTION_SHARE = 0.02
"""Share of items whose price changes on a day, for three to seven days."""
PRICE_FACTORS = (0.7, 0.8, 0.85, 0.9, 1.1, 1.2)
STOCK_OUT_SHARE, DELISTED_SHARE, BUNDLE_SHARE = 0.04, 0.01, 0.04
BUNDLE_PROBABILITY = 0.55
"""Who puts the first item of a bundle into the cart adds the second with this probability."""
STEP_SHARE, STEP_PROBABILITY = 0.04, 0.5
"""Who has looked at the first item of a step looks at the second next with this probability; never the other way round."""


@dataclass(frozen=True)
class Catalogue:
    """Items by number, 0 up.

    ``prices_minor`` is days x items; ``out_of_stock`` and ``delisted_from`` map an item to its day offsets (first, after the last). Shares
    are kept cumulated, for drawing: ``item_shares[c]`` over ``items_in[c]``, ``category_shares[cluster][day]`` over the categories.
    """

    names: list[str]
    brands: list[str]
    category: npt.NDArray[np.int64]
    base_price_minor: npt.NDArray[np.int64]
    prices_minor: npt.NDArray[np.int64]
    items_in: list[list[int]]
    item_shares: list[tuple[float, ...]]
    category_shares: list[list[list[float]]]
    bundles: dict[int, int]
    steps: dict[int, int]
    out_of_stock: dict[int, tuple[int, int]]
    delisted_from: dict[int, int]

    def can_be_bought(self, item: int, day: int) -> bool:
        """Whether the item can be put into a cart on the day offset."""
        start, end = self.out_of_stock.get(item, (0, 0))
        return not start <= day < end and day < self.delisted_from.get(item, day + 1)


def item_id(item: int) -> str:
    """The id of an item number.

    >>> item_id(42)
    'i00042'
    """
    return f"i{item:05d}"


@lru_cache(maxsize=2)
def catalogue_of(shop: Shop) -> Catalogue:
    """Draw the shelves of a shop; kept for the process, since every user looks at the same ones."""
    rng = shop.generator(Stream.CATALOGUE)
    category = rng.permutation(np.arange(shop.items) % len(CATEGORIES))
    medians = np.array([c.median_price_minor for c in CATEGORIES])[category]
    base = np.maximum(199, np.round(medians * rng.lognormal(0.0, 0.35, shop.items) / 100).astype(np.int64) * 100 - 1)
    ranked = rng.permutation(shop.items)
    items_in = [[int(i) for i in ranked if category[i] == c] for c in range(len(CATEGORIES))]
    popular = [items[rank] for rank in range(max(map(len, items_in))) for items in items_in if rank < len(items)]
    named = names(category, rng)
    brands = [BRANDS[b] for b in rng.integers(0, len(BRANDS), shop.items)]
    prices = price_days(base, shop.days, rng)
    pairs = pairs_of_clusters(items_in, round(shop.items * BUNDLE_SHARE), rng)
    steps = pairs_of_clusters(items_in, round(shop.items * STEP_SHARE), shop.generator(Stream.STEPS), taken={*pairs, *pairs.values()})
    return Catalogue(
        names=named,
        brands=brands,
        category=category,
        base_price_minor=base,
        prices_minor=prices,
        items_in=items_in,
        item_shares=[popularity_shares(len(items)) for items in items_in],
        category_shares=[[category_shares(likes, shop.day(d)) for d in range(shop.days)] for likes in CLUSTERS.values()],
        bundles=pairs,
        steps=steps,
        **_absences(shop, popular, rng),
    )


@cache
def popularity_shares(count: int) -> tuple[float, ...]:
    """Cumulated shares of ``count`` items by rank, the most popular first; the last is 1. Kept: every look of every user asks.

    >>> [round(share, 2) for share in popularity_shares(2)]
    [0.65, 1.0]
    """
    weights = [rank**-POPULARITY_EXPONENT for rank in range(1, count + 1)]
    total = sum(weights)
    return (*accumulate(weight / total for weight in weights[:-1]), 1.0) if count else ()


def season(category: Category, day: date) -> float:
    """Demand for a category on a day relative to usual: 1 without a season, up to ``1 + peak_height`` on the peak day."""
    if category.peak_day is None:
        return 1.0
    apart = abs(day.timetuple().tm_yday - category.peak_day)
    apart = min(apart, 365 - apart)
    return 1.0 + category.peak_height * float(np.exp(-0.5 * (apart / SEASON_WIDTH_DAYS) ** 2))


def category_shares(likes: tuple[str, str], day: date) -> list[float]:
    """Cumulated shares of the categories in what a taste cluster looks at on a day; the last is 1."""
    liked = {likes[0]: FIRST_CATEGORY_SHARE, likes[1]: SECOND_CATEGORY_SHARE}
    rest = (1 - FIRST_CATEGORY_SHARE - SECOND_CATEGORY_SHARE) / len(CATEGORIES)
    weights = [(liked.get(c.category_id, 0.0) + rest) * season(c, day) for c in CATEGORIES]
    total = sum(weights)
    return [*accumulate(weight / total for weight in weights[:-1]), 1.0]


def names(category: npt.NDArray[np.int64], rng: np.random.Generator) -> list[str]:
    """One name an item, like "Nordic Teapot"; a number follows when a category runs out of pairs of words."""
    found: list[str] = []
    used: dict[int, int] = {}
    orders = [rng.permutation(len(ADJECTIVES) * len(c.nouns)) for c in CATEGORIES]
    for c in category.tolist():
        turn, place = divmod(used.get(c, 0), len(orders[c]))
        used[c] = used.get(c, 0) + 1
        adjective, noun = divmod(int(orders[c][place]), len(CATEGORIES[c].nouns))
        found.append(f"{ADJECTIVES[adjective]} {CATEGORIES[c].nouns[noun]}" + (f" No. {turn + 1}" if turn else ""))
    return found


def price_days(base: npt.NDArray[np.int64], days: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Prices in minor units, days x items; the base price on day 0, and at least one change on every later day."""
    factors = np.ones((days, len(base)))
    for day in range(1, days):
        for item in rng.choice(len(base), max(1, round(len(base) * PROMOTION_SHARE)), replace=False):
            length = int(rng.integers(3, 8))
            factor = PRICE_FACTORS[int(rng.integers(len(PRICE_FACTORS)))]
            factors[day : day + length, item] = factor if factors[day - 1, item] == 1.0 else 1.0
    return np.maximum(100, np.round(base * factors)).astype(np.int64)


def pairs_of_clusters(
    items_in: list[list[int]], count: int, rng: np.random.Generator, taken: AbstractSet[int] = frozenset()
) -> dict[int, int]:
    """About ``count`` pairs, first item to second: of two categories that one taste cluster likes, no item in two pairs or ``taken``.

    None of the most popular items, and none that is hardly ever looked at.
    """
    places = {c.category_id: index for index, c in enumerate(CATEGORIES)}
    pairs: dict[int, int] = {}
    for number in range(max(1, count)):
        likes = list(CLUSTERS.values())[number % len(CLUSTERS)]
        shelves = [items_in[places[c]] for c in (likes if rng.random() < 0.5 else likes[::-1])]
        used = {*taken, *pairs, *pairs.values()}
        free = [[i for i in shelf[1 : max(3, len(shelf) // 2)] if i not in used] for shelf in shelves]
        if all(free):
            pairs[free[0][int(rng.integers(len(free[0])))]] = free[1][int(rng.integers(len(free[1])))]
    return pairs


def _absences(shop: Shop, popular: list[int], rng: np.random.Generator) -> dict[str, Any]:
    """Stock-outs of three to six days among popular items, where silence shows; delistings among the others. Neither on the first day."""
    count = max(1, round(shop.items * STOCK_OUT_SHARE))
    out_of_stock: dict[int, tuple[int, int]] = {}
    if shop.days > 7:
        for item in rng.choice(popular[: 5 * count], count, replace=False):
            start = int(rng.integers(2, shop.days - 5))
            out_of_stock[int(item)] = (start, min(shop.days, start + int(rng.integers(3, 7))))
    others = [item for item in popular[5 * count :] if item not in out_of_stock]
    gone = min(len(others), max(1, round(shop.items * DELISTED_SHARE))) if shop.days > 2 else 0
    delisted = rng.choice(others, gone, replace=False).tolist() if gone else []
    return {"out_of_stock": out_of_stock, "delisted_from": {int(item): int(rng.integers(2, shop.days)) for item in delisted}}


def pieces(shop: Shop) -> list[int]:
    """How many of each item lie in the warehouse while it is in stock."""
    return [3 + int(drawn) for drawn in shop.generator(Stream.STOCK).lognormal(3.0, 0.8, shop.items)]


def counts(shop: Shop, catalogue: Catalogue, day: int) -> list[dict[str, Any]]:
    """Lines of the stock feed for a day offset: every item on the first day, then those that ran out or came back, by item."""
    lines = []
    for item, full in enumerate(pieces(shop)):
        start, end = catalogue.out_of_stock.get(item, (None, None))
        if day == 0 or day in {start, end}:
            quantity = 0 if day == start else full
            at = f"{shop.day(day).isoformat()}T00:00:00.000Z"
            lines.append({"item_id": item_id(item), "location_id": None, "observed_at": at, "quantity": quantity})
    return lines


def observations(shop: Shop, catalogue: Catalogue, day: int) -> list[dict[str, Any]]:
    """Lines of the items feed for a day offset: every item on the first day, then those whose price or sale changed, by item."""
    lines = []
    for item in range(shop.items):
        price, is_on_sale = int(catalogue.prices_minor[day, item]), day < catalogue.delisted_from.get(item, day + 1)
        changed = day == 0 or price != catalogue.prices_minor[day - 1, item] or catalogue.delisted_from.get(item) == day
        if changed:
            lines.append(
                {
                    "item_id": item_id(item),
                    "observed_at": f"{shop.day(day).isoformat()}T00:00:00.000Z",
                    "name": catalogue.names[item],
                    "category_id": CATEGORIES[int(catalogue.category[item])].category_id,
                    "brand": catalogue.brands[item],
                    "unit_price_minor": price,
                    "currency": CURRENCY,
                    "is_on_sale": is_on_sale,
                }
            )
    return lines
