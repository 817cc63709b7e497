"""Pseudonyms are keyed, domain-separated, equal on the command line and in Spark, and never show their key."""

import hashlib
import hmac
import io

import pytest
from pydantic import SecretStr
from pyspark.sql import SparkSession

from jobs.privacy import HEX_DIGITS, Kind, pseudonym, pseudonymise, write_pairs

KEY = SecretStr("a key of the tests, longer than 32 characters")


@pytest.mark.parametrize("key", ["k" * 32, "k" * 64, "k" * 65])
def test_a_pseudonym_is_the_start_of_the_standard_hmac(key: str) -> None:
    expected = hmac.digest(key.encode(), "user:zoë".encode(), hashlib.sha256).hex()[:HEX_DIGITS]
    assert pseudonym("zoë", "user", SecretStr(key)) == expected


def test_the_same_text_gives_different_pseudonyms_to_a_user_and_to_a_device() -> None:
    assert pseudonym("17", "user", KEY) != pseudonym("17", "anonymous", KEY)


def test_another_key_gives_other_pseudonyms() -> None:
    assert pseudonym("17", "user", KEY) != pseudonym("17", "user", SecretStr("another key of the tests, also long enough"))


def test_spark_gives_the_pseudonyms_of_the_command_line_and_leaves_null_and_other_columns_alone(spark: SparkSession) -> None:
    kinds: dict[str, Kind] = {"user_id": "user", "anonymous_id": "anonymous"}
    raw = spark.createDataFrame([(1, "17", "17"), (2, None, "c9"), (3, "zoë", None)], "row int, user_id string, anonymous_id string")
    rows = {row["row"]: (row["user_id"], row["anonymous_id"]) for row in pseudonymise(raw, kinds, KEY).collect()}
    assert rows == {
        1: (pseudonym("17", "user", KEY), pseudonym("17", "anonymous", KEY)),
        2: (None, pseudonym("c9", "anonymous", KEY)),
        3: (pseudonym("zoë", "user", KEY), None),
    }


def test_the_key_is_in_no_query_plan(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    raw = spark.createDataFrame([("17",)], "user_id string")
    pseudonymise(raw, {"user_id": "user"}, KEY).explain("extended")
    plan = capsys.readouterr().out
    assert "ArrowEvalPython" in plan
    assert KEY.get_secret_value() not in plan


def test_pairs_come_in_the_order_of_the_ids_and_are_quoted_as_csv() -> None:
    out, awkward = io.StringIO(), 'a,"x"'
    assert write_pairs(["b\n", "\n", f"{awkward}\r\n"], "user", KEY, out) == 2
    assert out.getvalue().splitlines() == [
        "raw_id,pseudonym",
        f"b,{pseudonym('b', 'user', KEY)}",
        f'"a,""x""",{pseudonym(awkward, "user", KEY)}',
    ]
