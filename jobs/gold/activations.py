"""``gold.activations``: who may be addressed on which channel, and by what, at the end of a day."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.gold.activations import SUITE
from expectations.vocabulary import ADS, CHANNELS
from jobs.contract import Column, Table
from jobs.gold.user_tags import USER_TAGS
from jobs.recommender.shelf import unpersonal
from jobs.segmentation.tags.declaration import tags_of
from jobs.segmentation.tags.vocabulary import vocabulary
from jobs.settings import Settings
from jobs.silver.consents import CONSENTS
from jobs.silver.contacts import CONTACTS
from jobs.silver.validity import holds_at_end_of
from jobs.step import AsOf, Read, Step, Write

ACTIVATIONS = Table(
    name="gold.activations",
    doc=(
        "One row a user, channel, audience and contact point, and as-of day. An audience is a tag that is declared for the channel; the "
        "user has it, has agreed to the channel's purpose, has not refused personalisation, and can be reached by the contact point, all "
        "at the end of the day. No answer is no consent. Empty where a shop sends no consents or no contacts."
    ),
    columns=(
        Column("as_of_date", "date", "Day at whose end the row was true."),
        Column("user_id", "string", "Pseudonym of the user."),
        Column("channel", "string", "How the user may be addressed: email, sms, push or ads."),
        Column("audience", "string", "Name of the tag; docs/tags.md and gold.tag_sizes say what it means."),
        Column("kind", "string", "What the contact point is: email, phone or push."),
        Column("value_sha256", "string", "SHA-256 of the e-mail address in small letters, of the number as E.164, or of the push token."),
        Column(
            "google_sha256",
            "string",
            "SHA-256 by the rules of Google Customer Match; NULL on other channels than ads.",
            nullable=True,
        ),
        Column("meta_sha256", "string", "SHA-256 by the rules of Meta; NULL on other channels than ads.", nullable=True),
    ),
    key=("as_of_date", "user_id", "channel", "audience", "kind", "value_sha256"),
    partitioned_by="as_of_date",
)


def build(user_tags: DataFrame, consents: DataFrame, contacts: DataFrame, *, as_of: date, settings: Settings) -> DataFrame:
    """One row a user, channel, audience and contact point; a user without consent to the channel, or without a contact point, has none."""
    tags = [tag for tag in tags_of(settings.tags_file, vocabulary()) if tag.is_valid_on(as_of)]
    declared = [(tag.name, channel, kind) for tag in tags for channel in tag.channels for kind in CHANNELS[channel]]
    audiences = user_tags.sparkSession.createDataFrame(declared, "audience string, channel string, kind string")
    holds = holds_at_end_of(as_of)
    members = user_tags.where(F.col("as_of_date") == F.lit(as_of)).select("user_id", F.col("tag").alias("audience"))
    wanted = members.join(F.broadcast(audiences), "audience")
    agreed = consents.where(holds & F.col("is_granted")).select("user_id", F.col("purpose").alias("channel"))
    reached = contacts.where(holds).select("user_id", "kind", "value_sha256", "google_sha256", "meta_sha256")
    found = wanted.join(agreed, ["user_id", "channel"]).join(reached, ["user_id", "kind"])
    impersonal = unpersonal(settings.recommender_rules, members, consents, as_of)
    if impersonal is not None:
        found = found.join(impersonal, "user_id", "left_anti")
    is_ads = F.col("channel") == ADS
    ads_alone = {name: F.when(is_ads, F.col(name)) for name in ("google_sha256", "meta_sha256")}
    columns = {"as_of_date": F.lit(as_of), **ads_alone}
    return found.select(*[columns.get(name, F.col(name)).alias(name) for name in ACTIVATIONS.column_names])


STEP = Step(
    reads=(Read(USER_TAGS), Read(CONSENTS), Read(CONTACTS)),
    writes=(Write(ACTIVATIONS, SUITE, AsOf()),),
    build=build,
    takes=("as_of", "settings"),
)
