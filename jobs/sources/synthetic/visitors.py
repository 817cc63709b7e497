"""Who comes to the synthetic shop: a user's traits, drawn from the seed and the user's number alone."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from jobs.sources.synthetic.shop import Shop, Stream
from jobs.sources.synthetic.vocabulary import BRANDS, CLUSTERS, LIKED_BRANDS

BOT_SHARE = 0.002
"""Share of users that are programs: hundreds of events in a session, bought nothing. Every second one is signed in."""
PERSUADABLE_SHARE = 0.4
"""Share of loyal and promising users who buy much more with a coupon than without."""


class RfmType(NamedTuple):
    """How a kind of user behaves: its share, visits a day while active, chance that a looked-at item goes into the cart, pieces.

    ``begins`` and ``ends`` are the earliest and latest first and last active moments, as shares of the shop's days.
    """

    share: float
    visits_per_day: float
    cart_rate: float
    second_piece_rate: float
    begins: tuple[float, float]
    ends: tuple[float, float]
    is_churner: bool


ALWAYS, NEVER = (0.0, 0.0), (1.0, 1.0)
RFM_TYPES = {
    "champions": RfmType(0.12, 1.40, 0.24, 0.45, ALWAYS, NEVER, False),
    "loyal": RfmType(0.20, 0.42, 0.16, 0.15, ALWAYS, NEVER, False),
    "promising": RfmType(0.15, 0.80, 0.32, 0.10, (0.80, 0.88), NEVER, False),
    "at_risk": RfmType(0.15, 0.50, 0.28, 0.15, ALWAYS, (0.60, 0.72), True),
    "lapsed": RfmType(0.14, 0.90, 0.36, 0.05, ALWAYS, (0.08, 0.14), True),
    "browsers": RfmType(0.24, 0.26, 0.002, 0.0, ALWAYS, NEVER, False),
}
"""RFM types by name. ``browsers`` look and hardly ever buy; churners stop for good on a known day."""


class Arm(NamedTuple):
    """The arm of an experiment that a user is in, and the probability with which it was drawn."""

    experiment: str
    variant: str
    propensity: float


@dataclass(frozen=True)
class Visitor:
    """One user: ids, planted traits, and the day offsets ``active_from <= day < active_to`` on which visits happen.

    ``cluster`` is the number of the taste cluster, ``brands`` are liked on top of it. Bots have no taste and no type that matter.
    """

    number: int
    user_id: str
    devices: tuple[str, ...]
    rfm_type: str
    cluster: int
    active_from: int
    active_to: int
    peak_hour: float
    is_coupon_persuadable: bool
    is_bot: bool
    is_signed_in_bot: bool
    checkout_arm: Arm
    coupon_arm: Arm
    brands: frozenset[str]

    @property
    def behaviour(self) -> RfmType:
        """How users of this type behave."""
        return RFM_TYPES[self.rfm_type]


class Experiment(NamedTuple):
    """An experiment: its arms (the control second), the days it runs (as shares of the shop's days), and the planted effect."""

    name: str
    treatment: str
    control: str
    runs: tuple[float, float]
    effect: str


CHECKOUT = Experiment("one_page_checkout", "one_page", "control", (0.0, 0.5), "purchases per checkout times 1.25")
COUPON = Experiment(
    "coupon_10",
    "coupon",
    "control",
    (0.5, 1.0),
    "cart rate of persuadable users times 2.2 with the coupon, 0.6 without; of others unchanged",
)
CHECKOUT_EFFECT = 1.25
PERSUADED_EFFECT, UNPERSUADED_EFFECT = 2.2, 0.6
COUPON_DISCOUNT_SHARE = 0.10
CHECKOUT_PROPENSITY = {"champions": 0.7, "loyal": 0.7}
"""Probability of the treatment by RFM type, 0.4 where not named: who buys often sees the new checkout more often, so that a plain
comparison of the arms flatters it and only one weighted by the propensities is right."""


def digest(shop: Shop, *parts: object) -> str:
    """Sixteen hexadecimal digits that stand for ``parts`` in this shop: an id that does not give the user's number away."""
    return blake2b(repr((shop.seed, *parts)).encode(), digest_size=8).hexdigest()


def runs_on(experiment: Experiment, shop: Shop, day: int) -> bool:
    """Whether the experiment runs on the day offset."""
    begin, end = experiment.runs
    return int(begin * shop.days) <= day < int(end * shop.days)


def visitor_of(shop: Shop, number: int) -> Visitor:
    """Draw the traits of one user."""
    rng = shop.generator(Stream.TRAITS, number)
    rfm_type = str(rng.choice(list(RFM_TYPES), p=[kind.share for kind in RFM_TYPES.values()]))
    kind = RFM_TYPES[rfm_type]
    active_from = round(float(rng.uniform(*kind.begins)) * shop.days)
    active_to = max(active_from + 1, round(float(rng.uniform(*kind.ends)) * shop.days))
    is_bot = bool(rng.random() < BOT_SHARE)
    is_signed_in_bot = is_bot and bool(rng.random() < 0.5)
    persuadable = bool(rng.random() < PERSUADABLE_SHARE) and rfm_type in {"loyal", "promising"} and not is_bot
    treated = CHECKOUT_PROPENSITY.get(rfm_type, 0.4)
    one_page, coupon = rng.random() < treated, rng.random() < 0.5
    return Visitor(
        number=number,
        user_id=f"u{number:06d}",
        devices=tuple(f"a{digest(shop, 'device', number, d)}" for d in range(1 if rng.random() < 0.6 else 2)),
        rfm_type=rfm_type,
        cluster=int(rng.integers(len(CLUSTERS))),
        active_from=0 if is_bot else min(active_from, shop.days - 1),
        active_to=shop.days if is_bot else min(active_to, shop.days),
        peak_hour=float(rng.choice([8.5, 12.5, 19.0, 21.5], p=[0.15, 0.2, 0.35, 0.3])),
        is_coupon_persuadable=persuadable,
        is_bot=is_bot,
        is_signed_in_bot=is_signed_in_bot,
        checkout_arm=Arm(CHECKOUT.name, *((CHECKOUT.treatment, treated) if one_page else (CHECKOUT.control, round(1 - treated, 4)))),
        coupon_arm=Arm(COUPON.name, COUPON.treatment if coupon else COUPON.control, 0.5),
        brands=liked_brands(shop, number),
    )


def liked_brands(shop: Shop, number: int) -> frozenset[str]:
    """The brands that a user likes, independent of all other traits."""
    rng = shop.generator(Stream.LIKED_BRANDS, number)
    return frozenset(BRANDS[place] for place in rng.choice(len(BRANDS), LIKED_BRANDS, replace=False))
