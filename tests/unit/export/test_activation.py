"""Audiences in the form in which a channel takes them."""

import io
import re
from pathlib import Path
from typing import Any

import pytest

from expectations.vocabulary import CHANNELS
from jobs.export.activation import FORMS, audiences, lines, write_lines

GUIDE = Path(__file__).resolve().parents[3] / "docs/activation.md"


def row(user: str, channel: str, kind: str, value: str, audience: str = "quiet") -> dict[str, Any]:
    is_ads = channel == "ads"
    hashes = {"value_sha256": value, "google_sha256": f"g-{value}" if is_ads else None, "meta_sha256": f"m-{value}" if is_ads else None}
    return {"user_id": user, "channel": channel, "audience": audience, "kind": kind} | hashes


ROWS = [
    row("v", "ads", "phone", "p9"),
    row("u", "ads", "email", "e2"),
    row("u", "ads", "phone", "p1"),
    row("u", "ads", "email", "e1"),
    row("u", "email", "email", "e1"),
    row("v", "push", "push", "t1"),
    row("w", "ads", "email", "e3", audience="another"),
]


def written(whom: str, audience: str = "quiet") -> list[str]:
    out = io.StringIO()
    count = write_lines(lines(ROWS, FORMS[whom], audience), FORMS[whom], out)
    found = out.getvalue().splitlines()
    assert count == len(found) - 1
    return found


@pytest.mark.parametrize(
    ("whom", "wanted"),
    [
        ("google", ["Email,Phone", "g-e1,g-p1", "g-e2,", ",g-p9"]),
        ("meta", ["email,phone", "m-e1,m-p1", "m-e2,", ",m-p9"]),
        ("email", ["user_id,email_sha256", "u,e1"]),
        ("sms", ["user_id,phone_sha256"]),
        ("push", ["user_id,token_sha256", "v,t1"]),
    ],
)
def test_a_file_has_the_headers_and_the_hashes_of_whom_it_is_for_and_a_platform_gets_no_pseudonym(whom: str, wanted: list[str]) -> None:
    assert written(whom) == wanted


def test_an_audience_that_nobody_is_in_is_a_header_and_the_others_are_named() -> None:
    assert written("google", "of nobody") == ["Email,Phone"]
    assert audiences(ROWS, FORMS["meta"]) == ["another", "quiet"]


def test_there_is_a_form_for_every_channel_with_the_kinds_that_it_takes_and_the_guide_shows_each() -> None:
    assert {form.channel: form.kinds for form in FORMS.values()} == CHANNELS
    shown = set(re.findall(r"`([\w, ]+)`", GUIDE.read_text(encoding="utf-8")))
    assert {",".join(form.headers) for form in FORMS.values()} <= shown
