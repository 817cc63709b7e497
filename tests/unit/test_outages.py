"""What other programs' errors mean, in the words that Java, boto3 and MLflow were seen to say, or document."""

import errno
import os

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError
from pyspark.errors import PySparkException

from jobs import errors, outages

TRACE = """org.apache.spark.SparkException: Job aborted ... Traceback (most recent call last):
  File "lines.py", line 80, in read
jobs.errors.LandingError: landing/x/part-0: expected sha256 aa; found bb. Land the day again. Or ask.
"""
MLFLOW_DOWN = (
    "API request to http://127.0.0.1:9/api/2.0/mlflow/experiments/get-by-name failed with exception HTTPConnectionPool(host='127.0.0.1', "
    "port=9): Max retries exceeded with url: /api/2.0/mlflow/experiments/get-by-name?experiment_name=x (Caused by NewConnectionError("
    "\"HTTPConnection(host='127.0.0.1', port=9): Failed to establish a new connection: [Errno 111] Connection refused\"))"
)
SCRATCH_FULL = """An error occurred while calling None.org.apache.spark.api.java.JavaSparkContext.
: java.io.IOException: No space left on device
\tat java.base/java.io.FileOutputStream.writeBytes(Native Method)
"""


def test_an_error_of_ours_is_itself() -> None:
    error = errors.AuditError("silver.events", expected="no NULL", found="3", advice="Mend the input.")
    assert outages.explained(error) is error


def test_a_strangers_error_is_left_alone() -> None:
    assert outages.explained(ValueError("jobs.errors.Unknown: x: expected a; found b. c")) is None
    assert outages.explained(RuntimeError("Job aborted due to stage failure")) is None


def test_what_a_worker_raised_comes_before_what_its_trace_reminds_of() -> None:
    said = TRACE.replace("found bb", "found AccessDenied")
    assert isinstance(outages.explained(PySparkException(said)), errors.LandingError)


SECRET_REFUSED = (
    "An error occurred (SignatureDoesNotMatch) when calling the GetObject operation: The request signature we calculated does not match "
    "the signature you provided. Check your key and signing method."
)
JAVA_REFUSED = "software.amazon.awssdk.services.s3.model.S3Exception: Forbidden (Service: S3, Status Code: 403, Request ID: x)"
PASSWORD_REFUSED = 'Caused by: org.postgresql.util.PSQLException: FATAL: password authentication failed for user "lake"'
POSTGRES_DOWN = (
    "Caused by: org.postgresql.util.PSQLException: Connection to 127.0.0.1:25432 refused. Check that the hostname and port are correct and "
    "that the postmaster is accepting TCP/IP connections."
)
POSTGRES_STOPPED = "Caused by: org.postgresql.util.PSQLException: FATAL: terminating connection due to administrator command"

SEEN = [
    pytest.param(SECRET_REFUSED, errors.LoginError, "TRADEWIND_S3_SECRET_KEY", id="a wrong S3 secret, boto3"),
    pytest.param(JAVA_REFUSED, errors.LoginError, "TRADEWIND_S3_SECRET_KEY", id="a wrong S3 secret, Java"),
    pytest.param(PASSWORD_REFUSED, errors.LoginError, "TRADEWIND_CATALOG_PASSWORD", id="a wrong password of the catalog"),
    pytest.param(POSTGRES_DOWN, errors.UnavailableError, "TRADEWIND_CATALOG_URI", id="Postgres is down"),
    pytest.param(POSTGRES_STOPPED, errors.UnavailableError, "TRADEWIND_CATALOG_URI", id="Postgres is stopped in mid-run"),
    pytest.param("OSError: [Errno 28] No space left on device", errors.DiskFullError, "TRADEWIND_SCRATCH_URI", id="a full disk, Python"),
    pytest.param(SCRATCH_FULL, errors.DiskFullError, "TRADEWIND_SCRATCH_URI", id="a full scratch while Spark starts"),
    pytest.param(MLFLOW_DOWN, errors.UnavailableError, "TRADEWIND_MLFLOW_TRACKING_URI", id="MLflow is down"),
]


@pytest.mark.parametrize(("said", "kind", "names"), SEEN)
def test_an_outage_is_told_in_one_line_that_names_the_setting(said: str, kind: type[errors.TradewindError], names: str) -> None:
    error = outages.explained(RuntimeError(said))
    assert type(error) is kind
    assert error.exit_code == (65 if kind is errors.LoginError else 69)
    assert names in error.advice
    assert "\n" not in str(error)
    assert len(error.found) <= outages.LONGEST_FOUND


def test_the_cause_counts_where_the_outermost_error_says_nothing() -> None:
    error = RuntimeError("could not drop the branch")
    error.__context__ = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert isinstance(outages.explained(error), errors.DiskFullError)


def test_boto3s_own_errors_are_known_by_their_words() -> None:
    denied = ClientError({"Error": {"Code": "SignatureDoesNotMatch", "Message": "no"}}, "ListObjectsV2")
    assert isinstance(outages.explained(denied), errors.LoginError)
    once = Config(retries={"total_max_attempts": 1})
    client = boto3.Session("a", "b", region_name="us-east-1").client("s3", endpoint_url="http://127.0.0.1:9", config=once)
    with pytest.raises(EndpointConnectionError) as nobody:
        client.head_bucket(Bucket="x")
    assert isinstance(outages.explained(nobody.value), errors.UnavailableError)


def test_what_nobody_foresaw_is_told_by_class_and_first_line() -> None:
    told = outages.unforeseen(KeyError("day"), ["silver.events", "silver.items"])
    assert (type(told).__name__, told.subject, told.found, told.exit_code) == (
        "UnexpectedError",
        "silver.events, silver.items",
        "KeyError: 'day'",
        1,
    )
