"""Claims about the comparison of set-ups: what differs is found and shown, and what says nothing is no success."""

import pytest

from stack.cluster_check.comparison import Comparison, as_markdown, summary

ONE = {"silver.events": "7-aaaa", "silver.events_rejected": "0-0000"}


def test_what_all_set_ups_have_made_alike_is_equal() -> None:
    assert Comparison({"a": ONE, "b": dict(ONE), "c": {"silver.events": "7-aaaa"}}).is_equal


@pytest.mark.parametrize("place", ["a", "b", "c"])
def test_one_other_hash_is_found_whoever_has_it(place: str) -> None:
    found = Comparison({title: ONE | ({"silver.events": "7-aaab"} if title == place else {}) for title in "abc"})
    assert found.differing == ["silver.events"]
    assert not found.is_equal
    assert "differs: silver.events" in summary(found)
    assert [cell.endswith("≠") for cell in found.cells("silver.events")[2:]].count(True) == (2 if place == "a" else 1)
    assert "≠" in as_markdown(found, "make")


@pytest.mark.parametrize(
    ("found", "row"),
    [
        ({"a": ONE, "b": {"silver.events": "7-aaaa"}}, "silver.events_rejected"),
        ({"a": {"silver.stock": "0-0000"}, "b": {"silver.stock": "0-0000"}}, "silver.stock"),
    ],
)
def test_what_was_made_once_or_is_empty_says_nothing(found: dict[str, dict[str, str]], row: str) -> None:
    assert Comparison(found).vacuous == [row]
    assert not Comparison(found).is_equal
    assert f"made once: {row}" in summary(Comparison(found))


def test_nothing_made_is_not_equal() -> None:
    assert not Comparison({}).is_equal
    assert not Comparison({"a": {}, "b": {}}).is_equal
