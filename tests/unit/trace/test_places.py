"""What people name a file by."""

from collections.abc import Callable
from datetime import date

import pytest

from jobs.errors import BadDataError
from jobs.release.record import Release
from jobs.trace.places import LandedPlace, by_key, by_sha256, key_of, release_of_key

MakeRelease = Callable[..., Release]

KEY = "landing/native/events/2027-05-01/part-00000.jsonl.gz"
DIGEST = "ab" * 32


def with_file(release: Release, digest: str = DIGEST) -> Release:
    """The release with one exported file of that SHA-256."""
    prefix = f"exports/user_segments/schema=v1/release={release.origin}/"
    file = {"format": "parquet", "key": f"{prefix}parquet/part-00000.parquet", "rows": 3, "bytes": 9, "sha256": digest}
    export = {**release.content.exports["user_segments"], "prefix": prefix, "manifest": f"{prefix}_manifest.json", "files": [file]}
    return release.model_copy(update={"content": release.content.model_copy(update={"exports": {"user_segments": export}})})


@pytest.mark.parametrize("text", [KEY, f"s3://shop/{KEY}", f"/{KEY}"])
def test_a_landed_file_goes_by_its_key_or_its_address(text: str) -> None:
    place = LandedPlace.parse(text, "shop")
    assert (place.key, place.source, place.feed, place.landed_date) == (KEY, "native", "events", date(2027, 5, 1))


@pytest.mark.parametrize("text", ["landing/native/events/part.csv", "exports/x", "landing/native/events/2027-13-01/a.csv", f"{KEY}/more"])
def test_what_is_no_landed_file_is_bad_data_that_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(BadDataError, match=r"expected (the key of a landed file|a day of the calendar)") as raised:
        LandedPlace.parse(text, "shop")
    assert raised.value.exit_code == 65


def test_an_address_in_another_shops_bucket_is_refused() -> None:
    with pytest.raises(BadDataError, match="expected an address in the bucket shop; found the bucket other"):
        key_of(f"s3://other/{KEY}", "shop")


def test_an_exported_key_names_its_release_and_any_other_key_is_refused() -> None:
    assert release_of_key("exports/cups/schema=v1/release=2027-05-01-000002/parquet/part-00000.parquet").id == "2027-05-01-000002"
    for text in ("exports/cups/part-00000.parquet", "exports/cups/schema=v1/release=newest/x.csv", KEY):
        with pytest.raises(BadDataError, match="expected the key of an exported file"):
            release_of_key(text)


def test_a_file_an_export_and_a_manifest_are_found_in_their_release(make_release: MakeRelease) -> None:
    release = with_file(make_release("2027-05-01-000001"))
    prefix = "exports/user_segments/schema=v1/release=2027-05-01-000001/"
    found = by_key(release, f"{prefix}parquet/part-00000.parquet")
    assert (found.export, found.file and found.file["rows"]) == ("user_segments", 3)
    assert by_key(release, prefix.rstrip("/")).file is None
    assert by_key(release, f"{prefix}_manifest.json").file is None
    with pytest.raises(BadDataError, match="expected a file that release 2027-05-01-000001 lists"):
        by_key(release, f"{prefix}parquet/part-00001.parquet")


def test_bytes_are_found_in_every_release_newest_first_but_not_in_a_withdrawal_that_shows_them_again(make_release: MakeRelease) -> None:
    first, second = with_file(make_release("2027-05-01-000001")), with_file(make_release("2027-05-02-000001"))
    back = with_file(make_release("2027-05-03-000001", withdraws="2027-05-02-000001", content_of="2027-05-01-000001"))
    assert [place.release.id for place in by_sha256([first, second, back], DIGEST)] == [second.id, first.id]
    with pytest.raises(BadDataError, match="of one of 3 releases; found none"):
        by_sha256([first, second, back], "00" * 32)
