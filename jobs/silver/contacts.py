"""``silver.contacts``: how each user can be reached, hashed, and from when to when."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from expectations.silver.contacts import SUITE
from jobs.contract import Column, Table, columns
from jobs.silver.contact_observations import CONTACT_OBSERVATIONS, HASHES
from jobs.step import Read, Step, Whole, Write

CONTACTS = Table(
    name="silver.contacts",
    doc="One row a user, contact point and stretch of time over which it was valid; the last one may be open. The contact point is there "
    "as hashes alone. A user may have several of a kind: a new one does not end the one before. Only where a shop sends the feed.",
    columns=columns(
        Column("user_id", "string", "Pseudonym of the user."),
        Column("kind", "string", "What it is: email, phone or push."),
        HASHES,
        Column("valid_from", "timestamp", "Instant of the observation, UTC: from then on the user can be reached by it."),
        Column("valid_to", "timestamp", "First instant at which that is over; NULL for what is valid today.", nullable=True),
    ),
    key=("user_id", "kind", "value_sha256", "valid_from"),
)

_POINT = ("user_id", "kind", *(column.name for column in HASHES))


def build(observations: DataFrame) -> DataFrame:
    """One row a stretch: observations in a row that say the same are one, open until the contact point is said to be valid no longer.

    Of observations that contradict each other at one instant, whenever they landed, the one that ends it counts.
    """
    of_point = Window.partitionBy(*_POINT).orderBy("valid_from")
    instants = observations.groupBy(*_POINT, F.col("observed_at").alias("valid_from"))
    said = instants.agg(F.min("is_active").alias("_is_active")).withColumn("_before", F.lag("_is_active").over(of_point))
    begins = said.where(F.col("_before").isNull() | (F.col("_before") != F.col("_is_active")))
    stretches = begins.withColumn("valid_to", F.lead("valid_from").over(of_point))
    return stretches.where("_is_active").select(*CONTACTS.column_names)


STEP = Step(reads=(Read(CONTACT_OBSERVATIONS),), writes=(Write(CONTACTS, SUITE, Whole()),), build=build, feed="contacts")
