"""How the reasons begin of what has passed a gate, in any family: gates write them, an approval rewrites what has waited."""

PROMOTED, AWAITS, APPROVED = "Promoted: ", "Awaits approval: ", "Approved by a person: "


def approved(reason: str) -> str:
    """The reason of a candidate that has waited, now that it serves.

    >>> approved("Awaits approval: ease has ndcg_at_10 0.1.")
    'Approved by a person: ease has ndcg_at_10 0.1.'
    """
    return f"{APPROVED}{reason.removeprefix(AWAITS)}"
