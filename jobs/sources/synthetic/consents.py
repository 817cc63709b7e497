"""What the users of a synthetic shop agree to, and when they change their minds. Pure; no Spark, no files."""

from collections.abc import Sequence

from expectations.vocabulary import PERSONALISATION
from jobs.sources.synthetic.shop import DAY_MS, Shop, Stream
from jobs.sources.synthetic.shopping import Moment
from jobs.sources.synthetic.visitors import Visitor

ASKED_SHARE = 0.7
"""Share of users who are asked, on their first active day; the others never answer."""
AGREES_SHARE, LETTERS_SHARE = 0.95, 0.6
"""Share of those asked who agree to personalisation, and to e-mail."""
CHANNEL_SHARES = {"sms": 0.35, "push": 0.5, "ads": 0.45}
"""Share of those asked who agree to the other channels, asked a moment later; as many of them as below withdraw likewise."""
WITHDRAWS_SHARE, AGREES_AGAIN_SHARE = 0.05, 0.3
"""Share of those who agreed to personalisation who withdraw later, and of these who agree once more."""


def decisions(shop: Shop, visitor: Visitor) -> list[Moment]:
    """The decisions of one user in the order in which they were made; none of a bot. All within the shop's days."""
    chance = shop.generator(Stream.CONSENTS, visitor.number).random(8).tolist()
    if visitor.is_bot or chance[0] >= ASKED_SHARE:
        return []
    end = shop.start_ms + shop.days * DAY_MS
    asked = shop.start_ms + visitor.active_from * DAY_MS + int(chance[1] * DAY_MS)
    has_agreed = chance[2] < AGREES_SHARE
    found = [_decision(visitor, asked, PERSONALISATION, is_granted=has_agreed)]
    found.append(_decision(visitor, asked + 1_000, "email", is_granted=chance[3] < LETTERS_SHARE))
    channels = shop.generator(Stream.CHANNEL_CONSENTS, visitor.number).random((len(CHANNEL_SHARES), 3)).tolist()
    later = []
    for number, ((purpose, share), drawn) in enumerate(zip(CHANNEL_SHARES.items(), channels, strict=True), start=1):
        found.append(_decision(visitor, asked + 1_000 + 100 * number, purpose, is_granted=drawn[0] < share))
        if drawn[0] < share and drawn[1] < WITHDRAWS_SHARE:
            later.append(_decision(visitor, asked + 2_000 + int(drawn[2] * (end - asked)), purpose, is_granted=False))
    withdraws = asked + 2_000 + int(chance[5] * (end - asked))
    if has_agreed and chance[4] < WITHDRAWS_SHARE:
        found.append(_decision(visitor, withdraws, PERSONALISATION, is_granted=False))
        if chance[6] < AGREES_AGAIN_SHARE:
            found.append(_decision(visitor, withdraws + 1_000 + int(chance[7] * (end - withdraws)), PERSONALISATION, is_granted=True))
    return [moment for moment in sorted([*found, *later], key=lambda moment: moment.true_ms) if moment.true_ms < end]


def agrees(moments: Sequence[Moment]) -> bool | None:
    """The last of a user's answers about personalisation; None of who was never asked."""
    answers = [bool(moment.row["is_granted"]) for moment in moments if moment.row["purpose"] == PERSONALISATION]
    return answers[-1] if answers else None


def _decision(visitor: Visitor, at_ms: int, purpose: str, *, is_granted: bool) -> Moment:
    return Moment(at_ms, at_ms, {"user_id": visitor.user_id, "purpose": purpose, "is_granted": is_granted})
