"""What the errors of other programs mean: a wrong password, a full disk or a service that is down, as one of our own errors.

Java, boto3 and MLflow each say such a thing in their own words, at the bottom of a long trace, and some say it only as the cause of
another error. ``benchmarks/outages.py`` brings each about; what bears no sign is left alone.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jobs.errors import DiskFullError, LoginError, TradewindError, UnavailableError, UnexpectedError
from jobs.worker_errors import SPARKS_OWN, messages, ours

LONGEST_FOUND = 400
"""Most characters that are quoted of a stranger's message."""

_RETRIED = "Nothing was published. It is tried again three times; when it is mended after that, clear the task."
_REFUSED = "Nothing was published, and it is not tried again: clear the task afterwards."


@dataclass(frozen=True)
class Sign:
    """Words in a stranger's error, and what they mean."""

    words: str
    kind: type[TradewindError]
    subject: str
    expected: str
    advice: str


SIGNS = (
    Sign(
        r"No space left on device|Disk quota exceeded|could not extend file|ENOSPC",
        DiskFullError,
        "disk",
        "room for what the task writes",
        f"Make room where the message says, or in the object store and TRADEWIND_SCRATCH_URI. {_RETRIED}",
    ),
    Sign(
        r"SignatureDoesNotMatch|InvalidAccessKeyId|request signature we calculated|AccessDenied|Access Denied|Status Code: 403|\b\(403\)",
        LoginError,
        "object store",
        "a login that may read and write the bucket",
        "Correct TRADEWIND_S3_ACCESS_KEY and TRADEWIND_S3_SECRET_KEY (for exports TRADEWIND_EXPORT_S3_ACCESS_KEY and "
        f"TRADEWIND_EXPORT_S3_SECRET_KEY), or what the store allows them. {_REFUSED}",
    ),
    Sign(
        r"NoSuchBucket|specified bucket does not exist",
        LoginError,
        "object store",
        "the bucket that TRADEWIND_BUCKET names, or TRADEWIND_EXPORT_BUCKET",
        f"Create the bucket, or correct TRADEWIND_BUCKET or TRADEWIND_EXPORT_BUCKET. {_REFUSED}",
    ),
    Sign(
        r"password authentication failed|no pg_hba\.conf entry|FATAL: (?:role|database) \"[^\"]*\" does not exist",
        LoginError,
        "catalog",
        "a login that Postgres accepts, to a database that is there",
        f"Correct TRADEWIND_CATALOG_USER, TRADEWIND_CATALOG_PASSWORD and TRADEWIND_CATALOG_URI. {_REFUSED}",
    ),
    Sign(
        r"API request to endpoint \S+ failed with error code 40[13]|You are not authenticated",
        LoginError,
        "MLflow",
        "a login that the MLflow server accepts",
        f"Correct TRADEWIND_MLFLOW_USERNAME and TRADEWIND_MLFLOW_PASSWORD. {_REFUSED}",
    ),
    Sign(
        r"\((?:InternalError|ServiceUnavailable|SlowDown|50[0-4])\)|Status Code: 50[0-4]",
        UnavailableError,
        "object store",
        "an object store that takes and gives what it is asked for",
        f"Look at its log and at its disk, which may be full. {_RETRIED}",
    ),
    Sign(
        r"Could not connect to the endpoint URL|Connect timeout on endpoint URL|Read timeout on endpoint URL"
        r"|Connection was closed before we received a valid response|Unable to execute HTTP request",
        UnavailableError,
        "object store",
        "an answer from the object store",
        f"Is it running, and is TRADEWIND_S3_ENDPOINT its address? {_RETRIED}",
    ),
    Sign(
        r"Connection to \S+ refused\. Check that|terminating connection due to|I/O error occurred while sending to the backend"
        r"|the database system is (?:starting up|shutting down|in recovery)|The connection attempt failed|This connection has been closed",
        UnavailableError,
        "catalog",
        "an answer from Postgres",
        f"Is it running, and is TRADEWIND_CATALOG_URI its address? {_RETRIED}",
    ),
    Sign(
        r"API request to \S+ failed with exception|API request to \S+ failed with error code 5\d\d",
        UnavailableError,
        "MLflow",
        "an answer from the MLflow server",
        f"Is it running, and is TRADEWIND_MLFLOW_TRACKING_URI its address? {_RETRIED}",
    ),
)


def explained(error: BaseException) -> TradewindError | None:
    """One of our own errors for ``error``: itself, what a Python worker raised, or what an outage's words mean; None for a stranger's."""
    chain = list(_chain(error))
    mine = next((found for one in chain if (found := ours(one)) is not None), None)
    said = (text for one in chain for text in (messages(one) if isinstance(one, SPARKS_OWN) else (str(one),)))
    return mine or outage("\n".join(said))


def outage(said: str) -> TradewindError | None:
    """The error for the first sign that ``said`` bears; None without one."""
    for sign in SIGNS:
        if match := re.search(f"^.*(?:{sign.words}).*$", said, flags=re.MULTILINE):
            return sign.kind(sign.subject, expected=sign.expected, found=_short(match[0]), advice=sign.advice)
    return None


def unforeseen(error: BaseException, names: Sequence[str]) -> UnexpectedError:
    """How an alert speaks of a stranger's error: its class and first line."""
    first = next((line for line in str(error).splitlines() if line.strip()), "")
    return UnexpectedError(
        ", ".join(names),
        expected="a task that ends as it should",
        found=_short(f"{type(error).__name__}: {first}"),
        advice="The log of the attempt has the whole trace. Nothing of this task was published.",
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that led to it, the outermost first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _short(line: str) -> str:
    line = " ".join(line.split()).rstrip(".")
    return line if len(line) <= LONGEST_FOUND else f"{line[: LONGEST_FOUND - 3]}..."
