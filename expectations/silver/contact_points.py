"""What must be true of contact points, wherever they stand."""

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import CONTACT_KINDS

SHA256 = r"^[0-9a-f]{64}$"
"""A hash and nothing else: a raw address, number or token never passes."""


def of_contact_points() -> tuple[Expectation, ...]:
    """A known kind, and hashes in the place of what was hashed."""
    return (
        gxe.ExpectColumnValuesToNotBeNull(column="user_id", severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="kind", value_set=list(CONTACT_KINDS), severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="value_sha256", severity="critical"),
        *[
            gxe.ExpectColumnValuesToMatchRegex(column=name, regex=SHA256, severity="critical")
            for name in ("value_sha256", "google_sha256", "meta_sha256")
        ],
    )
