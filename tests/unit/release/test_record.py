"""Release keys have one order."""

import pytest

from jobs.release.record import ReleaseKey


def test_the_later_day_is_greater_whatever_its_number() -> None:
    assert ReleaseKey.parse("2026-06-30-000001") > ReleaseKey.parse("2026-06-29-000412")


def test_the_object_keys_sort_like_the_releases() -> None:
    keys = [ReleaseKey.parse(text) for text in ("2026-06-29-000002", "2026-06-29-000010", "2026-06-30-000001")]
    assert sorted(key.object_key for key in keys) == [key.object_key for key in keys]
    assert [ReleaseKey.of_object(key.object_key) for key in keys] == keys


@pytest.mark.parametrize(
    "key",
    ["releases/latest.json", "releases/2026-06-30/000001.json-5e0f", "releases/2026-06-30/1.json", "releases/2026-06-30/000001.json/x"],
)
def test_other_objects_are_no_releases(key: str) -> None:
    assert ReleaseKey.of_object(key) is None


def test_what_is_no_id_is_refused_with_an_example() -> None:
    with pytest.raises(ValueError, match="'30 June' is no release id; one looks like 2026-06-30-000001"):
        ReleaseKey.parse("30 June")
