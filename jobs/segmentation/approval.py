"""The promotion of segments that would move many users and that a person has approved."""

from typing import Any

from jobs import approval
from jobs.context import Context
from jobs.segmentation.champion import FAMILY


def promote(context: Context) -> dict[str, Any]:
    """As ``jobs.approval.promote``, of this family."""
    return approval.promote(context, FAMILY)
