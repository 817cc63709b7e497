"""Claims about what is said of each tag."""

from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from jobs.content_hash import content_hash
from jobs.contract import conform
from jobs.gold.tag_sizes import TAG_SIZES, build
from jobs.gold.user_features import USER_FEATURES
from jobs.gold.user_tags import USER_TAGS
from tests.bronze_rows import SETTINGS
from tests.rows import frame
from tests.unit.gold.test_user_tags import AS_OF, CASES, FEATURES, SHOP

TAGGED = (("u0", "explorer"), ("u1", "explorer"), ("u1", "by_hand"))


@pytest.fixture(scope="module")
def found(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    """Ten users of the day; the same on any number of partitions."""
    file: Path = tmp_path_factory.mktemp("tags") / "tags.yaml"
    file.write_text(SHOP)
    settings = SETTINGS.model_copy(update={"tags_file": file})
    users = frame(spark, USER_FEATURES, [{**FEATURES, "user_id": f"u{n}", "as_of_date": AS_OF} for n in range(10)])
    about = {"as_of_date": AS_OF, "scope": "global", "owner": "crm"}
    tags = frame(spark, USER_TAGS, [{**about, "user_id": user, "tag": tag} for user, tag in TAGGED])
    built = [conform(build(users.repartition(n), tags.repartition(n), as_of=AS_OF, settings=settings), TAG_SIZES) for n in (1, 5)]
    assert len({content_hash(one, TAG_SIZES) for one in built}) == 1
    return {row["tag"]: row for row in built[0].collect()}


def test_every_tag_that_is_valid_on_the_day_has_a_line_also_one_that_nobody_has(found: dict[str, Row]) -> None:
    assert set(found) == {*CASES, "by_hand", "of_nobody"}
    assert (found["of_nobody"]["user_count"], found["of_nobody"]["user_share"]) == (0, 0.0)


def test_users_are_counted_and_their_share_is_of_all_users_of_the_day(found: dict[str, Row]) -> None:
    assert {name: found[name]["user_count"] for name in ("explorer", "by_hand")} == {"explorer": 2, "by_hand": 1}
    assert found["explorer"]["user_share"] == pytest.approx(0.2)


def test_the_rule_of_a_global_tag_is_told_and_an_individual_one_has_none(found: dict[str, Row]) -> None:
    assert (found["explorer"]["scope"], found["explorer"]["rule"]) == ("global", "distinct_categories >= 8")
    assert (found["by_hand"]["scope"], found["by_hand"]["rule"], found["by_hand"]["owner"]) == ("individual", None, "labs")
