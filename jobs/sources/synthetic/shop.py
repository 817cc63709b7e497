"""The size of a synthetic shop and everything that is planted in it, declared in one place."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from functools import cached_property

import numpy as np

SOURCE_NAME = "synthetic"
FEEDS = ("events", "orders", "items", "stock", "consents", "contacts")
CURRENCY = "EUR"

DAY_MS = 86_400_000
USER_DAYS_PER_BLOCK = 40_000
"""Users times days that one block may hold: it bounds what a task keeps in memory (about 60 MB of lines)."""


class Stream(IntEnum):
    """What a generator's numbers are for; streams of one seed are independent of each other."""

    CATALOGUE = 1
    TRAITS = 2
    VISITS = 3
    FAULTS = 4
    CATALOGUE_FAULTS = 5
    STEPS = 6
    LIKED_BRANDS = 7
    STOCK = 8
    STOCK_FAULTS = 9
    CONSENTS = 10
    CONSENT_FAULTS = 11
    CHANNEL_CONSENTS = 12
    CONTACTS = 13
    CONTACT_FAULTS = 14


@dataclass(frozen=True)
class FaultRates:
    """How often each fault is planted, as a share of a feed's clean lines; a line carries one fault at most.

    ``clock_skew`` is a share of sessions. ``resent`` copies land on the day of the original or up to two days later, ``late`` lines one to
    three days after their own day, ``too_late`` ones four to six. ``early`` lines land the day before, ``too_early`` ones two days before.
    """

    resent: float = 0.010
    late: float = 0.015
    too_late: float = 0.0015
    early: float = 0.002
    too_early: float = 0.0010
    cut_json: float = 0.0010
    not_json: float = 0.0005
    impossible_price: float = 0.0010
    unknown_type: float = 0.0010
    wrong_currency: float = 0.0010
    missing_item: float = 0.0010
    clock_skew: float = 0.02
    missing_user: float = 0.0
    invalid_value: float = 0.0


NO_FAULTS = FaultRates(resent=0, late=0, too_late=0, early=0, too_early=0, cut_json=0, not_json=0, impossible_price=0, unknown_type=0,
                       wrong_currency=0, missing_item=0, clock_skew=0)  # fmt: skip
"""A shop whose files are clean."""

EVENT_FAULTS = FaultRates()
ORDER_FAULTS = FaultRates(late=0.010, too_late=0.0005, early=0.001, too_early=0.0005, cut_json=0.0005, impossible_price=0.0008,
                          unknown_type=0.0005, wrong_currency=0.0008, missing_item=0.0005, clock_skew=0)  # fmt: skip
"""Orders come from a till, not from a browser: fewer faults, and no skewed clocks."""
ITEM_FAULTS = FaultRates(resent=0.01, late=0, too_late=0, early=0, too_early=0, cut_json=0.002, not_json=0.002, impossible_price=0.004,
                         unknown_type=0, wrong_currency=0.002, missing_item=0, clock_skew=0)  # fmt: skip
"""The catalogue's; all but copies fall on the first day, which lists every item: a later day's few changes would be mostly faults."""
STOCK_FAULTS = FaultRates(resent=0.01, late=0, too_late=0, early=0, too_early=0, cut_json=0.004, not_json=0.002, impossible_price=0,
                          unknown_type=0, wrong_currency=0, missing_item=0.004, clock_skew=0)  # fmt: skip
"""The counts'; all but copies fall on the first day, as the catalogue's do."""
CONSENT_FAULTS = FaultRates(resent=0.01, late=0.02, too_late=0, early=0, too_early=0, cut_json=0.002, not_json=0.001, impossible_price=0,
                            unknown_type=0, wrong_currency=0, missing_item=0, clock_skew=0)  # fmt: skip
"""No decision is too late, so none is planted as such; what is damaged comes beside the sound line: on many days there is but one."""
CONTACT_FAULTS = replace(CONSENT_FAULTS, missing_user=0.005, unknown_type=0.007, invalid_value=0.006)
"""As the consents'; on the first day an address, number or token may also be none, of an unknown kind or nobody's."""

REJECTED_FAULTS = (
    "too_late",
    "too_early",
    "cut_json",
    "not_json",
    "impossible_price",
    "unknown_type",
    "wrong_currency",
    "missing_item",
    "missing_user",
    "invalid_value",
)
"""Faults whose line cannot become a row; every other fault is survived."""


@dataclass(frozen=True)
class Shop:
    """One synthetic shop: ``days`` UTC days up to and with ``last_day``; raises ValueError for a size below one of each (20 items).

    >>> Shop(users=100, items=50, days=3, seed=7, last_day=date(2026, 6, 30)).first_day.isoformat()
    '2026-06-28'
    """

    users: int
    items: int
    days: int
    seed: int
    last_day: date
    event_faults: FaultRates = field(default=EVENT_FAULTS)
    order_faults: FaultRates = field(default=ORDER_FAULTS)
    item_faults: FaultRates = field(default=ITEM_FAULTS)
    stock_faults: FaultRates = field(default=STOCK_FAULTS)
    consent_faults: FaultRates = field(default=CONSENT_FAULTS)
    contact_faults: FaultRates = field(default=CONTACT_FAULTS)
    user_days_per_block: int = USER_DAYS_PER_BLOCK

    def __post_init__(self) -> None:
        if self.users < 1 or self.items < 20 or self.days < 1 or self.seed < 0:
            message = f"a shop has at least 1 user, 20 items, 1 day and a seed from 0 up; found {self}"
            raise ValueError(message)

    def without_faults(self) -> "Shop":
        """The same shop with clean files."""
        clean = NO_FAULTS
        every = replace(self, event_faults=clean, order_faults=clean, item_faults=clean)
        return replace(every, stock_faults=clean, consent_faults=clean, contact_faults=clean)

    @property
    def first_day(self) -> date:
        """The first UTC day."""
        return self.day(0)

    def day(self, offset: int) -> date:
        """The day ``offset`` days after the first; negative before it."""
        return self.last_day - timedelta(days=self.days - 1 - offset)

    @cached_property
    def start_ms(self) -> int:
        """Midnight that begins the first day, in milliseconds since 1970."""
        return int(datetime(self.first_day.year, self.first_day.month, self.first_day.day, tzinfo=UTC).timestamp()) * 1000

    def offset_of(self, at_ms: int) -> int:
        """Which day an instant (milliseconds since 1970) falls on: 0 is the first."""
        return (at_ms - self.start_ms) // DAY_MS

    def generator(self, stream: Stream, number: int = 0) -> np.random.Generator:
        """Random numbers that depend on the seed, what they are for, and one number (a user's, a day's): on nothing else.

        Both parts are above zero: numpy pads seeds with zeros, so that [7] and [7, 0] would be the same.
        """
        return np.random.default_rng([self.seed + 1, int(stream), number + 1])

    @property
    def users_per_block(self) -> int:
        """Users whose lines go into the same files; follows from the size alone, never from how Spark is set up."""
        return max(50, min(5_000, self.user_days_per_block // self.days))

    def blocks(self) -> list[range]:
        """The user numbers of each block, in order."""
        step = self.users_per_block
        return [range(start, min(start + step, self.users)) for start in range(0, self.users, step)]
