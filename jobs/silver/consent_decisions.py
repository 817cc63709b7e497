"""``silver.consent_decisions``: what users decided about purposes, as it became known; ``silver.consents`` is made of it."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.silver.consent_decisions import REJECTED_SUITE, SUITE
from expectations.vocabulary import PURPOSES
from jobs.bronze.consents import CONSENTS as BRONZE_CONSENTS
from jobs.contract import Column, Table, columns
from jobs.settings import Settings
from jobs.silver import parsing
from jobs.silver.provenance import PROVENANCE, rejected_twin
from jobs.sources.source import Source
from jobs.step import EventDays, LandedDays, Read, Step, Write

CONSENT_DECISIONS = Table(
    name="silver.consent_decisions",
    doc="One row a user, purpose, instant of a decision, and UTC day on which it landed. A decision is never too late: it counts however "
    "long after its own day it lands. Of two that contradict each other at one instant the withdrawal counts. "
    "Only where a shop sends the feed.",
    columns=columns(
        Column("user_id", "string", "Pseudonym of the user."),
        Column("purpose", "string", "What was decided about: personalisation, analytics, email, sms, push or ads."),
        Column("decided_at", "timestamp", "When it was decided, UTC."),
        Column("is_granted", "boolean", "Whether the user agreed; false for a refusal and for a withdrawal."),
        Column("source", "string", "Source that the decision came from."),
        Column("delivery_count", "int", "Lines that landed that day and told of this decision; all but one were merged."),
        PROVENANCE,
    ),
    key=("landed_date", "user_id", "purpose", "decided_at"),
    partitioned_by="landed_date",
)
CONSENT_DECISIONS_REJECTED = rejected_twin(
    CONSENT_DECISIONS, "One row a landed line of the consents feed that decides nothing, with all its reasons."
)


def parses(consents: DataFrame, *, source: Source, settings: Settings) -> DataFrame:
    """Every landed line of the consents feed, with the columns of a decision and reasons.

    Raises ValueError where the source has no such feed.
    """
    faults = {
        "missing_user": F.col("user_id").isNull(),
        "unknown_purpose": ~F.col("purpose").isin(*PURPOSES),  # a missing one is unknown too
        "missing_decision": F.col("is_granted").isNull(),
        **parsing.time_faults("_decided_date", settings.max_lateness_days),
    }
    del faults["too_late"]  # a withdrawal that is left out because it came late would be a breach of trust
    return parsing.mark(consents, source, source.canonical("consents"), faults, happened_at="decided_at", day="_decided_date")


def build(marked: DataFrame, *, source: Source, settings: Settings) -> tuple[DataFrame, DataFrame]:
    """One row a user, purpose, instant and landing day, and one row a rejected line."""
    clean = marked.where(F.size("reasons") == 0)
    rows = parsing.without_raw_ids(clean, source.canonical("consents"), {"user_id": "user"}, settings.pseudonym_key)
    withdrawals_first = parsing.first_of_each(rows, CONSENT_DECISIONS.key, "is_granted", "source_file", "line_number")
    return withdrawals_first.select(*CONSENT_DECISIONS.column_names), parsing.rejected(marked, CONSENT_DECISIONS_REJECTED)


STEP = Step(
    reads=(Read(BRONZE_CONSENTS),),
    # Partitioned by landing day, so that the days that an interval touches are its own: no decision is too old for that.
    writes=(Write(CONSENT_DECISIONS, SUITE, EventDays()), Write(CONSENT_DECISIONS_REJECTED, REJECTED_SUITE, LandedDays())),
    build=build,
    takes=("source", "settings"),
    parses=parses,
    feed="consents",
)
