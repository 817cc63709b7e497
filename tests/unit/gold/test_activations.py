"""Claims about who may be addressed on which channel: with consent to it, by a valid contact point, and nobody else."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from expectations.gate import audit
from expectations.gold.activations import SUITE
from jobs.content_hash import content_hash
from jobs.contract import conform
from jobs.gold.activations import ACTIVATIONS, build
from jobs.gold.user_tags import USER_TAGS
from jobs.recommender.house_rules import HouseRules
from jobs.settings import Settings
from jobs.silver.consent_decisions import CONSENT_DECISIONS
from jobs.silver.consents import build as consents_of
from jobs.silver.contact_observations import CONTACT_OBSERVATIONS
from jobs.silver.contacts import build as contacts_of
from tests.bronze_rows import SETTINGS
from tests.rows import decided, frame, reached

DAY = date(2026, 5, 4)
FILE = """format: 1
tags:
  - {name: everywhere, meaning: On every channel., owner: crm, when: order_count >= 0, channels: [email, sms, push, ads]}
  - {name: by_letter, meaning: By letter alone., owner: crm, users: [u], channels: [email]}
  - {name: nowhere, meaning: Is no audience., owner: crm, when: order_count >= 0}
  - {name: over, meaning: Was an audience., owner: crm, when: order_count >= 0, channels: [email], valid_until: 2026-05-04}
"""
Said = Sequence[dict[str, Any]]
Found = set[tuple[str, str, str, str]]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    file: Path = tmp_path_factory.mktemp("tags") / "tags.yaml"
    file.write_text(FILE)
    return SETTINGS.model_copy(update={"tags_file": file})


@pytest.fixture(scope="module")
def addressed(spark: SparkSession, settings: Settings) -> Any:
    def run(consents: Said, contacts: Said, *, tagged: Sequence[str] = ("u everywhere",), needs_consent: bool = False) -> Found:
        rules = HouseRules(personalisation_needs_consent=needs_consent)
        rows = made(spark, consents, contacts, tagged, settings.model_copy(update={"recommender_rules": rules})).collect()
        assert all(row["as_of_date"] == DAY for row in rows)
        return {(row["user_id"], row["channel"], row["audience"], row["kind"]) for row in rows}

    return run


def made(spark: SparkSession, consents: Said, contacts: Said, tagged: Sequence[str], settings: Settings, *, partitions: int = 2) -> Any:
    about = {"as_of_date": DAY, "scope": "global", "owner": "crm"}
    tags = frame(spark, USER_TAGS, [{**about, "user_id": user, "tag": tag} for user, tag in map(str.split, tagged)])
    agreed = consents_of(frame(spark, CONSENT_DECISIONS, consents))
    points = contacts_of(frame(spark, CONTACT_OBSERVATIONS, contacts))
    frames = [one.repartition(partitions) for one in (tags, agreed, points)]
    return conform(build(*frames, as_of=DAY, settings=settings), ACTIVATIONS)


def agrees(user: str, *purposes: str, day: int = 1) -> list[dict[str, Any]]:
    return [decided(user, day, granted=True, purpose=purpose) for purpose in purposes]


def points(user: str, *kinds: str) -> list[dict[str, Any]]:
    return [reached(user, 1, kind=kind) for kind in kinds]


def test_a_channel_gets_the_kinds_of_contact_point_that_it_takes(addressed: Any) -> None:
    found = addressed(agrees("u", "email", "sms", "push", "ads"), points("u", "email", "phone", "push"))
    wanted = {("email", "email"), ("sms", "phone"), ("push", "push"), ("ads", "email"), ("ads", "phone")}
    assert found == {("u", channel, "everywhere", kind) for channel, kind in wanted}


def test_consent_is_by_channel_and_silence_or_consent_to_something_else_is_none(addressed: Any) -> None:
    known = points("u", "email", "phone", "push") + points("v", "email") + points("w", "email")
    consents = [*agrees("u", "sms"), *agrees("v", "analytics", "personalisation"), decided("w", 1, granted=False)]
    found = addressed(consents, known, tagged=("u everywhere", "v everywhere", "w everywhere", "x everywhere"))
    assert found == {("u", "sms", "everywhere", "phone")}


@pytest.mark.parametrize(
    ("day", "hour", "is_addressed"),
    [(3, 12, False), (4, 0, False), (4, 23, False), (5, 0, True), (5, 1, True)],
    ids=["before", "as the day begins", "on the day", "as the next begins", "the day after"],
)
def test_a_withdrawal_counts_for_the_day_on_which_it_was_made(addressed: Any, day: int, hour: int, *, is_addressed: bool) -> None:
    found = addressed([*agrees("u", "email"), decided("u", day, hour, granted=False)], points("u", "email"))
    assert found == ({("u", "email", "everywhere", "email")} if is_addressed else set())


def test_a_withdrawal_that_lands_late_counts_from_its_own_instant_and_one_who_agrees_again_is_addressed_again(addressed: Any) -> None:
    withdrawn = [*agrees("u", "email"), decided("u", 2, granted=False, landed=4)]
    assert addressed(withdrawn, points("u", "email")) == set()
    assert addressed([*withdrawn, *agrees("u", "email", day=3)], points("u", "email")) == {("u", "email", "everywhere", "email")}
    assert addressed(agrees("u", "email", day=5), points("u", "email")) == set(), "agreed on the day after"


def test_a_contact_point_that_is_valid_no_longer_or_not_yet_is_not_used(addressed: Any) -> None:
    consents = agrees("u", "email")
    assert addressed(consents, [*points("u", "email"), reached("u", 4, 23, active=False)]) == set()
    assert addressed(consents, [*points("u", "email"), reached("u", 5, 0, active=False)]) == {("u", "email", "everywhere", "email")}
    assert addressed(consents, [reached("u", 5, 0)]) == set()
    assert addressed(consents, [reached("u", 1, active=False)]) == set()


def test_who_has_no_contact_point_of_the_kind_or_is_not_in_the_audience_is_left_out(addressed: Any) -> None:
    consents = agrees("u", "sms") + agrees("v", "email")
    assert addressed(consents, points("u", "email") + points("v", "email")) == set()


def test_an_audience_is_a_tag_that_names_the_channel_and_is_valid_on_the_day(addressed: Any) -> None:
    tagged = ("u everywhere", "u by_letter", "u nowhere", "u over")
    found = addressed(agrees("u", "email", "sms"), points("u", "email", "phone"), tagged=tagged)
    assert found == {("u", "email", "everywhere", "email"), ("u", "email", "by_letter", "email"), ("u", "sms", "everywhere", "phone")}


def test_who_has_refused_personalisation_is_in_no_audience_and_who_was_not_asked_only_where_the_shop_lets_it(addressed: Any) -> None:
    known = [one for user in "uvw" for one in points(user, "email")]
    consents = [one for user in "uvw" for one in agrees(user, "email")]
    consents += [decided("v", 2, granted=False, purpose="personalisation"), *agrees("w", "personalisation")]
    tagged = ("u everywhere", "v everywhere", "w everywhere")
    assert {user for user, *_ in addressed(consents, known, tagged=tagged)} == {"u", "w"}
    assert {user for user, *_ in addressed(consents, known, tagged=tagged, needs_consent=True)} == {"w"}


def test_a_shop_without_consents_or_without_contacts_addresses_nobody(addressed: Any) -> None:
    assert addressed([], points("u", "email")) == addressed(agrees("u", "email"), []) == addressed([], []) == set()


def test_of_who_is_erased_nothing_is_left_to_address(addressed: Any) -> None:
    """Whoever is gone from any one of the three tables is in no audience."""
    assert addressed(agrees("v", "email"), points("v", "email") + points("u", "email")) == set()
    assert addressed(agrees("u", "email") + agrees("v", "email"), points("v", "email")) == set()
    assert addressed(agrees("u", "email"), points("u", "email"), tagged=("v everywhere",)) == set()


def test_every_valid_contact_point_is_used_and_only_ads_get_the_hashes_of_the_platforms(spark: SparkSession, settings: Settings) -> None:
    contacts = [*points("u", "email", "push"), reached("u", 2, value_sha256="another")]
    rows = made(spark, agrees("u", "email", "push", "ads"), contacts, ("u everywhere",), settings).collect()
    found = {(row["channel"], row["value_sha256"], row["google_sha256"], row["meta_sha256"]) for row in rows}
    assert found == {
        ("email", "email of u", None, None),
        ("email", "another", None, None),
        ("push", "push of u", None, None),
        ("ads", "email of u", "google email of u", "meta email of u"),
        ("ads", "another", "google email of u", "meta email of u"),
    }


def test_the_same_rows_on_any_number_of_partitions_and_the_suite_accepts_them(spark: SparkSession, settings: Settings) -> None:
    digests = dict.fromkeys(("value_sha256", "google_sha256", "meta_sha256"), "0" * 64)
    contacts = [one | digests for user in "uvw" for one in points(user, "email", "phone")]
    consents = [one for user in "uvw" for one in agrees(user, "email", "ads")]
    tagged = [f"{user} {tag}" for user in "uvw" for tag in ("everywhere", "nowhere")]
    built = [made(spark, consents, contacts, tagged, settings, partitions=partitions) for partitions in (1, 5)]
    assert len({content_hash(one, ACTIVATIONS) for one in built}) == 1
    assert built[0].count() == 9
    assert [str(finding) for finding in audit(built[0], SUITE) if not finding.is_met] == []


def test_the_suite_refuses_a_raw_value_and_an_unknown_channel(spark: SparkSession) -> None:
    row = {"as_of_date": DAY, "user_id": "u", "channel": "email", "audience": "a", "kind": "email", "value_sha256": "0" * 64}

    def broken(**changes: str) -> set[str]:
        return {finding.subject for finding in audit(frame(spark, ACTIVATIONS, [row | changes]), SUITE) if not finding.is_met}

    assert broken() == set()
    assert (broken(value_sha256="ada@example.com"), broken(channel="fax")) == ({"value_sha256"}, {"channel"})
