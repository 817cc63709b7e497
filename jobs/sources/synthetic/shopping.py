"""What a user does on a visit to the synthetic shop: looks, fills a cart, checks out, buys, sends back. Pure; no Spark, no files."""

from bisect import bisect_right
from dataclasses import dataclass, field
from math import log
from typing import Any, NamedTuple

from jobs.sources.synthetic.catalogue import BUNDLE_PROBABILITY, STEP_PROBABILITY, Catalogue, catalogue_of, item_id, popularity_shares
from jobs.sources.synthetic.shop import CURRENCY, DAY_MS, Shop, Stream
from jobs.sources.synthetic.visitors import (
    CHECKOUT,
    CHECKOUT_EFFECT,
    COUPON,
    COUPON_DISCOUNT_SHARE,
    PERSUADED_EFFECT,
    UNPERSUADED_EFFECT,
    Arm,
    Visitor,
    digest,
)
from jobs.sources.synthetic.visits import IDLE_BETWEEN_VISITS_MS, Chance, Visit, arrive, visit_clock, visit_rates, visit_starts
from jobs.sources.synthetic.vocabulary import CATEGORIES

MOST_EVENTS = 20
"""Events of a person's visit; a bot has hundreds."""
CHECKOUT_RATE, PURCHASE_RATE = 0.85, 0.68
"""Chance that a cart goes to checkout, and that a checkout ends in a purchase without a better checkout page."""
REVISIT_SHARE = 0.20
"""Share of looked-at items that the user has looked at before."""
BRAND_SHARE = 0.4
"""Share of the items looked at for the first time that are of a brand that the user likes, where the category has one that is left."""
LOOK_ON_RATE = 0.76
"""Chance to look at one more item."""
REFUND_SHARE = 0.04

Row = dict[str, Any]


class Moment(NamedTuple):
    """A line to be: when it says that it happened and when it did (milliseconds since 1970), and its fields but for that time."""

    at_ms: int
    true_ms: int
    row: Row


@dataclass
class History:
    """Everything that one user did: moments of the events and orders feeds, and what was planted on the way."""

    events: list[Moment] = field(default_factory=list)
    orders: list[Moment] = field(default_factory=list)
    visits: int = 0


def history_of(shop: Shop, visitor: Visitor) -> History:
    """Draw all visits of a user from the seed and the user's number; moments may lie after the shop's last day."""
    rng = shop.generator(Stream.VISITS, visitor.number)
    shopper, free_from = _Shopper(shop, catalogue_of(shop), visitor), 0
    for start in visit_starts(visit_rates(shop, visitor), visitor.peak_hour, rng):
        begin = max(start, free_from)
        if begin >= shop.days * DAY_MS:
            break
        chance: Chance = iter(rng.random(420 if visitor.is_bot else 300).tolist()).__next__
        visit = arrive(shop, visitor, begin, shopper.history.visits, chance)
        clock = visit_clock(shop.start_ms + begin, is_bot=visitor.is_bot, rng=rng)
        shopper.begin(visit, clock, chance)
        (shopper.crawl if visitor.is_bot else shopper.shop_around)()
        shopper.history.visits += 1
        free_from = clock[-1] - shop.start_ms + IDLE_BETWEEN_VISITS_MS
    return shopper.history


class _Shopper:
    """One user at the shelves: remembers what was looked at; ``clock`` holds when the events of the present visit happen."""

    def __init__(self, shop: Shop, catalogue: Catalogue, visitor: Visitor) -> None:
        self.shop, self.catalogue, self.visitor = shop, catalogue, visitor
        self.history = History()
        self.seen: list[int] = []
        self.liked: dict[int, list[int]] = {}

    def begin(self, visit: Visit, clock: list[int], chance: Chance) -> None:
        self.visit, self.clock, self.chance = visit, clock, chance
        self.noted = 0
        self.cart: dict[int, int] = {}
        self.leads_to: int | None = None

    def shop_around(self) -> None:
        """Look, put into the cart, check out, buy: 1 to 20 events."""
        chance = self.chance
        if chance() < 0.75:
            self._browse()
        looks = 1 + int(log(1 - chance()) / log(LOOK_ON_RATE))
        # A look adds at most 5 events and 2 cart items, each of which needs 2 more events to be bought.
        while looks > 0 and self.noted + 2 * len(self.cart) < MOST_EVENTS - 8:
            looks -= 1
            self._look_at(self._pick())
        if self.cart and chance() < CHECKOUT_RATE:
            for item, quantity in self.cart.items():
                self._note("begin_checkout", item, quantity)
            has_better_page = self.visit.arm is not None and self.visit.arm.variant == CHECKOUT.treatment
            if chance() < PURCHASE_RATE * (CHECKOUT_EFFECT if has_better_page else 1.0):
                self._buy()

    def crawl(self) -> None:
        """What a bot does: item after item at machine speed, 150 to 400 of them, evenly over the shelves."""
        for _ in range(150 + int(self.chance() * 250)):
            self._note("view_item", int(self.chance() * self.shop.items))

    def _look_at(self, item: int) -> None:
        chance = self.chance
        self.leads_to = self.catalogue.steps.get(item)
        day = self._day(self.clock[self.noted])
        if chance() < 0.3:
            self._note("select_item", item)
        self._note("view_item", item)
        if chance() < 0.04:
            self._note("add_to_wishlist", item)
        if item not in self.cart and chance() < self._cart_rate(item, day):
            self._put(item)
            partner = self.catalogue.bundles.get(item)
            if (
                partner is not None
                and partner not in self.cart
                and self.catalogue.can_be_bought(partner, day)
                and chance() < BUNDLE_PROBABILITY
            ):
                self._put(partner)
            elif chance() < 0.07:
                self._note("remove_from_cart", item, self.cart.pop(item))
        elif chance() < 0.15:
            self._browse()

    def _browse(self) -> None:
        self._note("view_item_list" if self.chance() < 0.6 else "search")

    def _put(self, item: int) -> None:
        self.cart[item] = 1 + (self.chance() < self.visitor.behaviour.second_piece_rate)
        self._note("add_to_cart", item, self.cart[item])

    def _pick(self) -> int:
        """An item to look at: what the last one leads to, one seen before, or one of a category that is liked on that day."""
        chance = self.chance
        if self.leads_to is not None and chance() < STEP_PROBABILITY:
            self.seen.append(self.leads_to)
            return self.leads_to
        if self.seen and chance() < REVISIT_SHARE:
            return self.seen[int(chance() * len(self.seen))]
        shares = self.catalogue.category_shares[self.visitor.cluster][self._day(self.clock[self.noted])]
        category = bisect_right(shares, chance())
        item = self._of_liked_brand(category) if chance() < BRAND_SHARE else None
        if item is None:
            item = self.catalogue.items_in[category][bisect_right(self.catalogue.item_shares[category], chance())]
        self.seen.append(item)
        return item

    def _of_liked_brand(self, category: int) -> int | None:
        """An item of the category and a liked brand that is new to the user, by popularity; None where there is none."""
        if category not in self.liked:
            brands = self.catalogue.brands
            self.liked[category] = [item for item in self.catalogue.items_in[category] if brands[item] in self.visitor.brands]
        left = [item for item in self.liked[category] if item not in self.seen]
        return left[bisect_right(popularity_shares(len(left)), self.chance())] if left else None

    def _cart_rate(self, item: int, day: int) -> float:
        if not self.catalogue.can_be_bought(item, day):
            return 0.0
        ratio = self._price(item, day) / int(self.catalogue.base_price_minor[item])
        rate = self.visitor.behaviour.cart_rate * coupon_effect(self.visitor, self.visit.arm)
        return float(min(rate * ratio ** CATEGORIES[int(self.catalogue.category[item])].elasticity, 0.95))

    def _buy(self) -> None:
        at_ms = self.clock[self.noted]
        day = self._day(at_ms)
        bought = {item: quantity for item, quantity in self.cart.items() if self.catalogue.can_be_bought(item, day)}
        order_id = f"o{digest(self.shop, 'order', self.visitor.number, self.history.visits)}"
        has_coupon = self.visit.arm is not None and self.visit.arm.variant == COUPON.treatment
        for line_number, (item, quantity) in enumerate(bought.items(), start=1):
            price = self._price(item, day)
            discount = round(price * quantity * COUPON_DISCOUNT_SHARE) if has_coupon else 0
            self._note("purchase", item, quantity, order_id, at_ms)
            bought_as = {"item_id": item_id(item), "quantity": quantity, "unit_price_minor": price, "discount_minor": discount}
            sale = self._order_line("sale", order_id, line_number) | bought_as
            self.history.orders.append(Moment(at_ms, at_ms, sale))
            if self.chance() < REFUND_SHARE:
                back_ms = at_ms + int((2 + 8 * self.chance()) * DAY_MS)
                refund = self._order_line("refund", order_id, line_number + len(bought)) | bought_as
                self.history.orders.append(Moment(back_ms, back_ms, refund))
                self.history.events.append(Moment(back_ms, back_ms, self._refund_event(refund)))

    def _note(
        self, event_type: str, item: int | None = None, quantity: int | None = None, order_id: str | None = None, at_ms: int | None = None
    ) -> None:
        visit, true_ms = self.visit, self.clock[self.noted] if at_ms is None else at_ms
        is_signed_in = not visit.is_guest and (self.noted >= visit.signs_in_at or event_type in {"begin_checkout", "purchase"})
        row = {
            "event_id": f"e{digest(self.shop, 'event', self.visitor.number, len(self.history.events))}",
            "user_id": self.visitor.user_id if is_signed_in else None,
            "anonymous_id": visit.device,
            "session_hint": visit.session_hint,
            "event_type": event_type,
            "item_id": None if item is None else item_id(item),
            "occurred_at": None,
            "quantity": quantity,
            "unit_price_minor": None if item is None else self._price(item, self._day(true_ms)),
            "currency": None if item is None else CURRENCY,
            "order_id": order_id,
            "channel": visit.channel,
            "campaign_id": visit.campaign_id,
            "experiment": visit.arm.experiment if visit.arm else None,
            "variant": visit.arm.variant if visit.arm else None,
            "exposure_propensity": visit.arm.propensity if visit.arm else None,
        }
        self.history.events.append(Moment(true_ms + visit.clock_skew_ms, true_ms, row))
        self.noted += 1

    def _refund_event(self, refund: Row) -> Row:
        """What the back office reports: no device, no visit."""
        kept = {name: refund[name] for name in ("user_id", "item_id", "quantity", "unit_price_minor", "currency", "order_id")}
        event_id = f"e{digest(self.shop, 'event', self.visitor.number, len(self.history.events))}"
        empty = dict.fromkeys(self.history.events[-1].row)
        return empty | {"event_id": event_id, "event_type": "refund"} | kept

    def _order_line(self, kind: str, order_id: str, line_number: int) -> Row:
        """An order line without what was bought."""
        return {
            "order_line_id": f"{order_id}-{line_number}",
            "order_id": order_id,
            "line_number": line_number,
            "user_id": None if self.visit.is_guest else self.visitor.user_id,
            "ordered_at": None,
            "kind": kind,
            "currency": CURRENCY,
            "channel": self.visit.channel,
            "campaign_id": self.visit.campaign_id,
        }

    def _day(self, at_ms: int) -> int:
        """Day offset of an instant; the last day's prices and seasons hold on after it."""
        return min(self.shop.offset_of(at_ms), self.shop.days - 1)

    def _price(self, item: int, day: int) -> int:
        return int(self.catalogue.prices_minor[day, item])


def coupon_effect(visitor: Visitor, arm: Arm | None) -> float:
    """What the coupon experiment does to a user's cart rate: more with the coupon, less without, for persuadable users only."""
    if arm is None or arm.experiment != COUPON.name or not visitor.is_coupon_persuadable:
        return 1.0
    return PERSUADED_EFFECT if arm.variant == COUPON.treatment else UNPERSUADED_EFFECT
