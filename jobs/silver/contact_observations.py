"""``silver.contact_observations``: how users can be reached, hashed, as it became known; ``silver.contacts`` is made of it."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.silver.contact_observations import REJECTED_SUITE, SUITE
from expectations.vocabulary import CONTACT_KINDS
from jobs.bronze.contacts import CONTACTS as BRONZE_CONTACTS
from jobs.contract import Column, Table, columns
from jobs.settings import Settings
from jobs.silver import contact_points, parsing
from jobs.silver.provenance import PROVENANCE, rejected_twin
from jobs.sources.source import Source
from jobs.step import EventDays, LandedDays, Read, Step, Write

HASHES = (
    Column("value_sha256", "string", "SHA-256 of the e-mail address in small letters, of the number as E.164, or of the push token."),
    Column(
        "google_sha256",
        "string",
        "SHA-256 by the rules of Google Customer Match: addresses of Gmail without dots and suffix; NULL of a push token.",
        nullable=True,
    ),
    Column("meta_sha256", "string", "SHA-256 by the rules of Meta: the number without its plus; NULL of a push token.", nullable=True),
)
"""What stands in place of an address, a number or a token."""

CONTACT_OBSERVATIONS = Table(
    name="silver.contact_observations",
    doc="One row a user, contact point, instant at which it was observed, and UTC day on which that landed. The contact point is there as "
    "hashes alone. An observation is never too late: it counts however long after its own day it lands. Of two that contradict each other "
    "at one instant the one that says it is no longer valid counts. Only where a shop sends the feed.",
    columns=columns(
        Column("user_id", "string", "Pseudonym of the user."),
        Column("kind", "string", "What it is: email, phone or push."),
        HASHES,
        Column("observed_at", "timestamp", "When the shop learnt of it, UTC."),
        Column("is_active", "boolean", "Whether the user can be reached by it from then on; true where the shop does not say."),
        Column("source", "string", "Source that the observation came from."),
        Column("delivery_count", "int", "Lines that landed that day and told of this observation; all but one were merged."),
        PROVENANCE,
    ),
    key=("landed_date", "user_id", "kind", "value_sha256", "observed_at"),
    partitioned_by="landed_date",
)
CONTACT_OBSERVATIONS_REJECTED = rejected_twin(
    CONTACT_OBSERVATIONS, "One row a landed line of the contacts feed by which nobody can be reached, with all its reasons."
)


def parses(contacts: DataFrame, *, source: Source, settings: Settings) -> DataFrame:
    """Every landed line of the contacts feed, with the columns of an observation, its value still raw, and reasons.

    Raises ValueError where the source has no such feed.
    """
    kind, value = F.col("kind"), F.col("value")
    is_wrong = value.isNotNull() & contact_points.normal_forms(kind, value).isNull()
    faults = {
        "missing_user": F.col("user_id").isNull(),
        "unknown_kind": ~kind.isin(*CONTACT_KINDS),  # a missing one is unknown too
        "missing_value": value.isNull(),
        **{f"invalid_{one}": F.coalesce(kind == one, F.lit(False)) & is_wrong for one in CONTACT_KINDS},
        **parsing.time_faults("_observed_date", settings.max_lateness_days),
    }
    del faults["too_late"]  # an address that is no longer valid would be written to for ever
    return parsing.mark(contacts, source, source.canonical("contacts"), faults, happened_at="observed_at", day="_observed_date")


def build(marked: DataFrame, *, source: Source, settings: Settings) -> tuple[DataFrame, DataFrame]:
    """One row a user, contact point, instant and landing day, and one row a rejected line."""
    clean = marked.where(F.size("reasons") == 0)
    named = parsing.without_raw_ids(clean, source.canonical("contacts"), {"user_id": "user"}, settings.pseudonym_key)
    normal = named.withColumn("_normal", contact_points.normal_forms(F.col("kind"), F.col("value"))).drop("value")
    rows = normal.withColumns(dict(contact_points.hashes(F.col("kind"), F.col("_normal")))).drop("_normal")
    endings_first = parsing.first_of_each(rows, CONTACT_OBSERVATIONS.key, "is_active", "source_file", "line_number")
    return endings_first.select(*CONTACT_OBSERVATIONS.column_names), parsing.rejected(marked, CONTACT_OBSERVATIONS_REJECTED)


STEP = Step(
    reads=(Read(BRONZE_CONTACTS),),
    # Partitioned by landing day, so that the days that an interval touches are its own: no observation is too old for that.
    writes=(Write(CONTACT_OBSERVATIONS, SUITE, EventDays()), Write(CONTACT_OBSERVATIONS_REJECTED, REJECTED_SUITE, LandedDays())),
    build=build,
    takes=("source", "settings"),
    parses=parses,
    feed="contacts",
)
