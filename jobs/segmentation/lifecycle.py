"""Lifecycle: where a user stands with the shop, by first and last visit alone. The same rule every day, for buyers and for visitors."""

from jobs.segmentation.cells import Segment

MONTH, QUARTER = 30, 90
_EVER = 2**62

SEGMENTS = (
    Segment(
        "New",
        f"First seen in the last {MONTH} days.",
        "Welcome them; the second visit decides.",
        {"tenure_days": (0, MONTH - 1)},
    ),
    Segment(
        "Won back",
        f"Known for {QUARTER} days or longer, had been away for {QUARTER - MONTH} days or longer, and came back in the last {MONTH}.",
        "Show what is new since they left; ask what brought them back.",
        {"tenure_days": (QUARTER, _EVER), "recency_days": (0, MONTH - 1), "active_days_30d_to_90d": (0, 0)},
    ),
    Segment(
        "Active",
        f"Seen in the last {MONTH} days.",
        "Keep the rhythm: recommend, do not discount.",
        {"recency_days": (0, MONTH - 1)},
    ),
    Segment(
        "At risk",
        f"Not seen for {MONTH} to {QUARTER - 1} days.",
        "Remind them now, before they are gone.",
        {"recency_days": (0, QUARTER - 1)},
    ),
    Segment(
        "Lapsed",
        f"Not seen for {QUARTER} days or longer.",
        "One come-back offer, then silence.",
    ),
)
"""In order: a user belongs to the first that holds. Every user meets one. ``active_days_30d_to_90d`` is active_days_90d less
active_days_30d."""
