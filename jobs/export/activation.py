"""Audiences of a release in the form in which a channel takes them: hashed contact points as CSV, by whom they are for.

Google: Customer Match, a hashed file with the headers Email and Phone (support.google.com/google-ads/answer/7476159). Meta: a customer
list with the headers email and phone (developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences). What sends letters,
texts and pushes for the shop gets pseudonym and hash, hashes its own addresses, numbers and tokens alike, and joins.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, TextIO

import pyarrow.parquet as pq

from jobs.errors import BadDataError
from jobs.release.record import Release
from jobs.store import Store

EXPORT = "activations"


@dataclass(frozen=True)
class Form:
    """A file's form: the channel, its headers, the column of hashes, kinds in the order of the headers; ``has_user`` leads with user_id."""

    channel: str
    headers: tuple[str, ...]
    hashes: str
    kinds: tuple[str, ...]
    has_user: bool = False


FORMS = {
    "google": Form("ads", ("Email", "Phone"), "google_sha256", ("email", "phone")),
    "meta": Form("ads", ("email", "phone"), "meta_sha256", ("email", "phone")),
    "email": Form("email", ("user_id", "email_sha256"), "value_sha256", ("email",), has_user=True),
    "sms": Form("sms", ("user_id", "phone_sha256"), "value_sha256", ("phone",), has_user=True),
    "push": Form("push", ("user_id", "token_sha256"), "value_sha256", ("push",), has_user=True),
}
"""Whom a file is for -> its form."""

Row = Mapping[str, Any]


def lines(rows: Iterable[Row], form: Form, audience: str) -> Iterator[tuple[str, ...]]:
    """The lines of a file without its header, in order of user and hash; a user with several contact points of a kind has several lines."""
    by_user: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        if row["channel"] == form.channel and row["audience"] == audience and row["kind"] in form.kinds:
            by_user[row["user_id"]][row["kind"]].add(row[form.hashes])
    for user, points in sorted(by_user.items()):
        for values in zip_longest(*[sorted(points[kind]) for kind in form.kinds], fillvalue=""):
            yield (user, *values) if form.has_user else values


def write_lines(found: Iterable[Sequence[str]], form: Form, out: TextIO) -> int:
    """Write header and lines as CSV; returns how many lines there are."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(form.headers)
    written = 0
    for line in found:
        writer.writerow(line)
        written += 1
    return written


def rows_of(store: Store, release: Release, channel: str) -> list[Row]:
    """The rows of a channel among the release's activations; raises BadDataError where it has none, being older than they are."""
    record = release.content.exports.get(EXPORT)
    if record is None:
        raise BadDataError(
            f"release {release.id}",
            expected=f"an export {EXPORT}",
            found=", ".join(release.content.exports),
            advice="Publish a day anew: releases made before have no audiences.",
        )
    keys = [file["key"] for file in record["files"] if file["format"] == "parquet"]
    only = [("channel", "==", channel)]
    return [row for key in keys for row in pq.read_table(io.BytesIO(store.read(key) or b""), filters=only).to_pylist()]


def audiences(rows: Iterable[Row], form: Form) -> list[str]:
    """The audiences of the form's channel that somebody is in."""
    return sorted({row["audience"] for row in rows if row["channel"] == form.channel})
