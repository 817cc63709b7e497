"""Contact points as the platforms hash them, by their own examples."""

import hashlib
from collections.abc import Mapping

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.silver.contact_points import hashes, normal_forms

EMAILS = {
    "ada@example.com": "ada@example.com",
    " \t\u00a0Ada@Example.COM\u3000\n": "ada@example.com",
    "user.name+NYC@Example.com": "user.name+nyc@example.com",
    "jürgen@müller.de": "jürgen@müller.de",
    "ada@localhost": None,
    "ada at example.com": None,
    "ada@b@example.com": None,
    "a da@example.com": None,
    "<ada@example.com>": None,
    "ada@example.com,bob@example.com": None,
    "ada@.com": None,
    "ada@example..com": None,
    "@example.com": None,
    "": None,
    "   ": None,
    "x" * 243 + "@example.com": None,
    "x" * 242 + "@example.com": "x" * 242 + "@example.com",
    "a@" + "b." * 500_000 + "com": None,
}
PHONES = {
    "+18005550100": "+18005550100",
    "+1 (800) 555-0100": "+18005550100",
    "+44 (0)20 7946 0958": "+442079460958",
    "0044 20 7946.0958": "+442079460958",
    "\u00a0+49/30/901820 ": "+4930901820",
    "(800)555-0100": None,
    "07700 900123": None,
    "447700900123": None,
    "+0 800 555 0100": None,
    "+1 800 555 01": "+180055501",
    "+123456": None,
    "+1234567890123456": None,
    "+1 800 CALL ME": None,
    "+44 7700 900123 ext 4": None,
    "+": None,
    " " * 1_000_000 + "+": None,
}
TOKENS = {" dGhpcw:APA91b_X- ": "dGhpcw:APA91b_X-", "A": "A", "\u3000": None}


def normal(spark: SparkSession, kind: str, values: Mapping[str, str | None]) -> dict[str, str | None]:
    frame = spark.createDataFrame([(kind, value) for value in values], "kind string, value string")
    rows = frame.select("value", normal_forms(F.col("kind"), F.col("value")).alias("normal")).collect()
    return {row["value"]: row["normal"] for row in rows}


@pytest.mark.parametrize(("kind", "values"), [("email", EMAILS), ("phone", PHONES), ("push", TOKENS)])
def test_a_value_has_one_normal_form_or_none(spark: SparkSession, kind: str, values: Mapping[str, str | None]) -> None:
    assert normal(spark, kind, values) == dict(values)


def test_what_is_of_no_known_kind_has_no_normal_form(spark: SparkSession) -> None:
    frame = spark.createDataFrame([("fax", "+18005550100"), (None, "ada@example.com"), ("email", None)], "kind string, value string")
    assert [row[0] for row in frame.select(normal_forms(F.col("kind"), F.col("value"))).collect()] == [None, None, None]


@pytest.mark.parametrize(
    ("kind", "given", "google", "meta"),
    [
        ("email", "ada@example.com", "ada@example.com", "ada@example.com"),
        ("email", "cloudy.sanfrancisco+shopping@gmail.com", "cloudysanfrancisco@gmail.com", "cloudy.sanfrancisco+shopping@gmail.com"),
        ("email", "c.s+x@googlemail.com", "cs@googlemail.com", "c.s+x@googlemail.com"),
        ("email", "user.name+nyc@example.com", "user.name+nyc@example.com", "user.name+nyc@example.com"),
        ("email", "a.b@gmail.com.example.org", "a.b@gmail.com.example.org", "a.b@gmail.com.example.org"),
        ("email", "+x@gmail.com", "+x@gmail.com", "+x@gmail.com"),
        ("phone", "+18005550100", "+18005550100", "18005550100"),
        ("push", "Token", None, None),
    ],
)
def test_a_hash_is_sha_256_of_what_each_platform_asks_for(
    spark: SparkSession, kind: str, given: str, google: str | None, meta: str | None
) -> None:
    frame = spark.createDataFrame([(kind, given)], "kind string, normal string")
    (row,) = frame.select(*[hashed.alias(name) for name, hashed in hashes(F.col("kind"), F.col("normal")).items()]).collect()
    digests = [hashlib.sha256(text.encode()).hexdigest() if text is not None else None for text in (given, google, meta)]
    assert [row["value_sha256"], row["google_sha256"], row["meta_sha256"]] == digests


def test_the_digits_are_small_and_those_of_the_standard(spark: SparkSession) -> None:
    (row,) = spark.range(1).select(hashes(F.lit("push"), F.lit("abc"))["value_sha256"].alias("digest")).collect()
    assert row["digest"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "FIPS 180-4, example of SHA-256"
