"""``silver.consents``: what each user has agreed to, and from when to when."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from expectations.silver.consents import SUITE
from jobs.contract import Column, Table
from jobs.silver.consent_decisions import CONSENT_DECISIONS
from jobs.step import Read, Step, Whole, Write

CONSENTS = Table(
    name="silver.consents",
    doc="One row a user, purpose and stretch of time over which the user's answer was the same; the last one is open. Before the first "
    "there is no answer: neither consent nor refusal. Only where a shop sends the feed.",
    columns=(
        Column("user_id", "string", "Pseudonym of the user."),
        Column("purpose", "string", "What was decided about: personalisation, analytics, email, sms, push or ads."),
        Column("is_granted", "boolean", "Whether the user agreed; false for a refusal and for a withdrawal."),
        Column("valid_from", "timestamp", "Instant of the decision, UTC: from then on the answer holds."),
        Column("valid_to", "timestamp", "First instant at which it no longer holds; NULL for the answer of today.", nullable=True),
    ),
    key=("user_id", "purpose", "valid_from"),
)


def build(decisions: DataFrame) -> DataFrame:
    """One row a stretch: decisions in a row that say the same are one, open until the next one begins.

    Of decisions that contradict each other at one instant, whenever they landed, the withdrawal counts.
    """
    of_user = Window.partitionBy("user_id", "purpose").orderBy("valid_from")
    instants = decisions.groupBy("user_id", "purpose", F.col("decided_at").alias("valid_from"))
    answers = instants.agg(F.min("is_granted").alias("is_granted")).withColumn("_before", F.lag("is_granted").over(of_user))
    begins = answers.where(F.col("_before").isNull() | (F.col("_before") != F.col("is_granted")))
    return begins.withColumn("valid_to", F.lead("valid_from").over(of_user)).select(*CONSENTS.column_names)


STEP = Step(reads=(Read(CONSENT_DECISIONS),), writes=(Write(CONSENTS, SUITE, Whole()),), build=build, feed="consents")
