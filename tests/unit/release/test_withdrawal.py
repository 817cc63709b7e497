"""A withdrawal shows older sound content under a new number, on every day that showed the wrong one."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from jobs.errors import BadDataError
from jobs.release.record import Release
from jobs.release.releases import commit, named
from jobs.release.withdrawal import replacements, withdraw
from jobs.store import Store

MakeRelease = Callable[..., Release]
NOW = datetime(2026, 7, 2, tzinfo=UTC)


def shown(releases: list[Release], release_id: str) -> dict[str, str]:
    return {str(day): release.origin for day, release in replacements(releases, release_id).items()}


def test_the_current_release_gives_way_to_the_day_before(store: Store, make_release: MakeRelease) -> None:
    for release_id in ("2026-06-29-000001", "2026-06-30-000001"):
        commit(store, make_release(release_id))
    withdraw(store, "2026-06-30-000001", reason="wrong prices", code_version="0", created_at=NOW)
    now = named(store, None)
    assert (now.id, now.content_of, now.reason) == ("2026-06-30-000002", "2026-06-29-000001", "wrong prices")
    assert now.content == named(store, "2026-06-29-000001").content


def test_a_replay_gives_way_to_the_earlier_number_of_its_day(make_release: MakeRelease) -> None:
    releases = [make_release("2026-06-30-000001"), make_release("2026-06-30-000002")]
    assert shown(releases, "2026-06-30-000002") == {"2026-06-30": "2026-06-30-000001"}


def test_what_was_withdrawn_before_is_not_shown_again(make_release: MakeRelease) -> None:
    back = make_release("2026-06-29-000002", withdraws="2026-06-29-000001", content_of="2026-06-28-000001")
    releases = [make_release("2026-06-28-000001"), make_release("2026-06-29-000001"), back, make_release("2026-06-30-000001")]
    assert shown(releases, "2026-06-30-000001") == {"2026-06-30": "2026-06-28-000001"}


def test_content_that_an_earlier_withdrawal_brought_to_a_later_day_goes_from_both_days(make_release: MakeRelease) -> None:
    back = make_release("2026-06-30-000002", withdraws="2026-06-30-000001", content_of="2026-06-29-000001")
    releases = [make_release("2026-06-28-000001"), make_release("2026-06-29-000001"), make_release("2026-06-30-000001"), back]
    assert list(shown(releases, "2026-06-29-000001").items()) == [("2026-06-30", "2026-06-28-000001"), ("2026-06-29", "2026-06-28-000001")]


def test_a_day_that_was_mended_by_a_replay_keeps_showing_the_replay(make_release: MakeRelease) -> None:
    releases = [make_release("2026-06-29-000001"), make_release("2026-06-30-000001"), make_release("2026-06-30-000002")]
    assert shown(releases, "2026-06-30-000001") == {"2026-06-30": "2026-06-30-000002"}


def test_withdrawing_an_old_day_leaves_the_current_release_alone(store: Store, make_release: MakeRelease) -> None:
    for release_id in ("2026-06-28-000001", "2026-06-29-000001", "2026-06-30-000001"):
        commit(store, make_release(release_id))
    withdraw(store, "2026-06-29-000001", reason="wrong", code_version="0", created_at=NOW)
    assert named(store, None).id == "2026-06-30-000001"


@pytest.mark.parametrize(
    ("release_id", "words"),
    [
        ("2026-06-29-000001", "an older release to show instead; found none"),
        ("2026-06-27-000001", "none of that id"),
        ("2026-06-30-000002", "Withdraw 2026-06-29-000001, whose content it shows"),
        ("2026-06-30-000001", "Nothing is left to do"),
    ],
)
def test_what_cannot_be_withdrawn_is_refused_with_the_way_out(make_release: MakeRelease, release_id: str, words: str) -> None:
    back = make_release("2026-06-30-000002", withdraws="2026-06-30-000001", content_of="2026-06-29-000001")
    with pytest.raises(BadDataError, match=words):
        replacements([make_release("2026-06-29-000001"), make_release("2026-06-30-000001"), back], release_id)
