"""How the users of a synthetic shop can be reached, and when an address goes out of use. Pure; no Spark, no files.

No value reaches anybody: the domains are reserved for examples (RFC 2606), the numbers for drama (Ofcom, 07700 900000 to 900999).
"""

from jobs.sources.synthetic.shop import DAY_MS, Shop, Stream
from jobs.sources.synthetic.shopping import Moment
from jobs.sources.synthetic.visitors import Visitor, digest

GIVEN_SHARES = {"email": 0.8, "phone": 0.45, "push": 0.3}
"""Share of users of whom the shop knows an address, a number, a token; all of them from the first active day on."""
MOVES_SHARE = 0.04
"""Share of users with an address who give another one later; the old one is then no longer valid."""
DOMAINS = ("example.com", "example.org", "Example.NET")
"""Where addresses are, written as people write them."""


def contact_points(shop: Shop, visitor: Visitor) -> list[Moment]:
    """What the shop learns of one user's contact points, in order; nothing of a bot. All within the shop's days."""
    if visitor.is_bot:
        return []
    chance = shop.generator(Stream.CONTACTS, visitor.number).random(6).tolist()
    end = shop.start_ms + shop.days * DAY_MS
    told = shop.start_ms + visitor.active_from * DAY_MS + int(chance[3] * DAY_MS)
    found = [
        _observation(visitor, told + 100 * number, kind, value_of(shop, visitor, kind))
        for number, (kind, share) in enumerate(GIVEN_SHARES.items())
        if chance[number] < share
    ]
    if chance[0] < GIVEN_SHARES["email"] and chance[4] < MOVES_SHARE:
        moved = told + 1_000 + int(chance[5] * (end - told))
        found.append(_observation(visitor, moved, "email", value_of(shop, visitor, "email"), is_active=False))
        found.append(_observation(visitor, moved + 1_000, "email", value_of(shop, visitor, "email", number=1)))
    return [moment for moment in found if moment.true_ms < end]


def value_of(shop: Shop, visitor: Visitor, kind: str, number: int = 0) -> str:
    """A user's address, number or token, as the user wrote it; ``number`` 1 is the one after a move."""
    if kind == "email":
        return f"Shopper.{visitor.number:06d}{'.new' if number else ''}@{DOMAINS[visitor.number % len(DOMAINS)]}"
    if kind == "phone":
        return f"+44 7700 {900_000 + visitor.number % 1_000}"
    return f"token:{digest(shop, 'push', visitor.number)}"


def _observation(visitor: Visitor, at_ms: int, kind: str, value: str, *, is_active: bool = True) -> Moment:
    return Moment(at_ms, at_ms, {"user_id": visitor.user_id, "kind": kind, "value": value, "is_active": is_active})
