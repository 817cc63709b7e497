"""When a user comes to the synthetic shop, and under which circumstances. Pure; no Spark, no files."""

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from jobs.sources.synthetic.shop import DAY_MS, Shop
from jobs.sources.synthetic.visitors import CHECKOUT, COUPON, Arm, Visitor, digest, runs_on
from jobs.sources.synthetic.vocabulary import CAMPAIGNS, CHANNELS, WEEKDAY_RHYTHM

HOUR_MS, SECOND_MS = 3_600_000, 1_000
IDLE_BETWEEN_VISITS_MS = 45 * 60 * SECOND_MS
LONGEST_PAUSE_MS = 20 * 60 * SECOND_MS
"""Within a visit nobody pauses longer, between two visits everybody does: 30 idle minutes tell them apart."""
GUEST_SHARE = 0.05
"""Share of visits on which nobody signs in; what is bought then is a guest's order."""
LATE_LOGIN_SHARE = 0.30
"""Share of visits whose first one to four events come before signing in."""
COUPON_LETTER_SHARE = 0.4
"""Share of visits in the coupon's arm that come from its e-mail."""
BOT_VISITS_PER_DAY = 0.5
MOST_SKEW_SECONDS = 90
_CHANNEL_SHARES = [*accumulate(share for _, share in CHANNELS)]

Chance = Callable[[], float]
"""The next number of a visit, in [0, 1)."""


class Visit(NamedTuple):
    """What holds for a whole visit: device, channel, arm in force, from which event on somebody is signed in, how wrong the clock is."""

    device: str
    session_hint: str
    channel: str
    campaign_id: str | None
    arm: Arm | None
    is_guest: bool
    signs_in_at: int
    clock_skew_ms: int


def visit_rates(shop: Shop, visitor: Visitor) -> npt.NDArray[np.float64]:
    """Expected visits of a user on each day: the rate of the type, the weekday's rhythm, nothing outside the active days."""
    rhythm = np.array([WEEKDAY_RHYTHM[shop.day(d).weekday()] for d in range(shop.days)])
    day = np.arange(shop.days)
    is_active = (visitor.active_from <= day) & (day < visitor.active_to)
    return np.where(is_active, rhythm * (BOT_VISITS_PER_DAY if visitor.is_bot else visitor.behaviour.visits_per_day), 0.0)


def visit_starts(rates: npt.NDArray[np.float64], peak_hour: float, rng: np.random.Generator) -> list[int]:
    """Starts of visits in milliseconds since the first midnight, in order: a Poisson number a day, around the user's hour."""
    days = np.repeat(np.arange(len(rates)), rng.poisson(rates))
    times = (rng.normal(peak_hour, 2.6, len(days)) * HOUR_MS).astype(np.int64) % DAY_MS
    return [int(start) for start in np.sort(days * DAY_MS + times)]


def visit_clock(start_ms: int, *, is_bot: bool, rng: np.random.Generator) -> list[int]:
    """When the events of a visit may happen, in order: seconds to minutes apart, a bot's under two seconds."""
    if is_bot:
        pauses = np.clip(rng.lognormal(6.4, 0.4, 420), 300, 1_800)
    else:
        pauses = np.clip(rng.lognormal(10.0, 0.9, 24), 2 * SECOND_MS, LONGEST_PAUSE_MS)
    return [start_ms + int(passed) for passed in np.cumsum(pauses.astype(np.int64))]


def arrive(shop: Shop, visitor: Visitor, begin: int, number: int, chance: Chance) -> Visit:
    """Settle what holds for the visit ``number`` of a user, which begins ``begin`` milliseconds after the first midnight."""
    day = begin // DAY_MS
    arm = arm_on(shop, visitor, day)
    channel = CHANNELS[min(bisect_right(_CHANNEL_SHARES, chance()), len(CHANNELS) - 1)][0]
    campaign_id = CAMPAIGNS.get(channel)
    if arm and arm.variant == COUPON.treatment and chance() < COUPON_LETTER_SHARE:
        channel, campaign_id = "email", COUPON.name
    device = visitor.devices[int(chance() * len(visitor.devices))]
    is_guest = not visitor.is_signed_in_bot if visitor.is_bot else chance() < GUEST_SHARE
    is_late, first_signed_in = chance() < LATE_LOGIN_SHARE, 1 + int(chance() * 4)
    is_skewed, skew = chance() < shop.event_faults.clock_skew, 1 + int(chance() * MOST_SKEW_SECONDS)
    # A clock that is behind must not carry an event to the day before the shop's first.
    is_behind = chance() < 0.5 and begin > MOST_SKEW_SECONDS * SECOND_MS
    return Visit(
        device=device,
        session_hint=f"s{digest(shop, 'visit', visitor.number, number)}",
        channel=channel,
        campaign_id=campaign_id,
        arm=arm,
        is_guest=is_guest,
        signs_in_at=first_signed_in if is_late and not visitor.is_bot else 0,
        clock_skew_ms=(-skew if is_behind else skew) * SECOND_MS if is_skewed else 0,
    )


def arm_on(shop: Shop, visitor: Visitor, day: int) -> Arm | None:
    """The arm that a user is in on a day offset; None for bots, and on days without an experiment."""
    if visitor.is_bot:
        return None
    if runs_on(CHECKOUT, shop, day):
        return visitor.checkout_arm
    return visitor.coupon_arm if runs_on(COUPON, shop, day) else None
