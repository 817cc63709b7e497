"""A table's page says what contract, step, catalog and suite say."""

from pathlib import Path

import great_expectations.expectations as gxe
import pytest
from great_expectations.expectations.expectation import Expectation

from expectations.suite import Suite
from jobs.contract import Column, Table
from jobs.docs import page, stale, write
from jobs.expectation_text import in_words, severity
from jobs.step import AsOf, Read, Step, Write

FEATURES = Table("gold.user_features", "One row a user.", (Column("user_id", "string", "User."),), ("user_id",))
SEGMENTS = Table(
    name="gold.user_segments",
    doc="One row a user and day.",
    columns=(
        Column("as_of_date", "date", "Day."),
        Column("user_id", "string", "User | pseudonym."),
        Column("fill_share", "double", "How full.", nullable=True, tolerance=1e-6),
        Column("model_version", "string", "Model.", nullable=True, is_metadata=True),
    ),
    key=("as_of_date", "user_id"),
    partitioned_by="as_of_date",
)
SUITE = Suite("gold.user_segments", (gxe.ExpectColumnValuesToNotBeNull(column="user_id", severity="critical"),))
STEPS = {"gold.user_segments": Step((Read(FEATURES),), (Write(SEGMENTS, SUITE, AsOf()),), build=lambda: None, model="segments")}


@pytest.fixture
def lines() -> list[str]:
    return page(SEGMENTS, steps=STEPS, suite=SUITE).splitlines()


@pytest.mark.parametrize(
    "line",
    [
        "- **Key:** `as_of_date`, `user_id`",
        "- **Partitioned by:** `as_of_date`",
        "- **Built by:** task `score`, step `jobs/gold/user_segments.py`",
        "- **A run replaces:** the partition of its last day",
        "- **Reads:** [gold.user_features](gold.user_features.md)",
        "- **Uses:** the champion of the model family `segments`",
        "- **Exported as:** `user_segments` ([how to open it](../bi.md))",
        "| `user_id` | string | no | User \\| pseudonym. |",
        "| `fill_share` | double | yes | How full. Equal within 1e-06. |",
        "| `model_version` | string | yes | Model. Describes the run; not part of the content hash. |",
        "| critical | `user_id` is never NULL |",
    ],
)
def test_a_page_tells(lines: list[str], line: str) -> None:
    assert line in lines


def test_a_page_names_the_tables_that_read_it() -> None:
    assert "- **Read by:** [gold.user_segments](gold.user_segments.md)" in page(FEATURES, steps=STEPS, suite=None).splitlines()


@pytest.mark.parametrize(
    ("expectation", "words"),
    [
        (gxe.ExpectColumnValuesToBeBetween(column="a", min_value=0, max_value=1), "`a` is at least 0 and at most 1"),
        (gxe.ExpectColumnValuesToBeBetween(column="a", min_value=0, strict_min=True), "`a` is more than 0"),
        (gxe.ExpectColumnValuesToBeInSet(column="a", value_set=["x", "y"]), "`a` is one of x, y"),
        (gxe.ExpectCompoundColumnsToBeUnique(column_list=["a", "b"]), "`a`, `b` together never repeat"),
        (gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="a", column_B="b", or_equal=True), "`a` is at least `b`"),
        (gxe.ExpectColumnValuesToNotBeNull(column="a", mostly=0.95), "`a` is never NULL, in at least 95.00% of the rows"),
        (gxe.ExpectTableRowCountToBeBetween(min_value=1), "the number of rows is at least 1"),
        (gxe.ExpectColumnValuesToMatchRegex(column="a", regex="^[A-Z]{3}$"), "`a` matches `^[A-Z]{3}$`"),
        (
            gxe.ExpectColumnKLDivergenceToBeLessThan(column="a", threshold=0.1),
            "expect column kl divergence to be less than: column a, threshold 0.1",
        ),
    ],
)
def test_an_expectation_reads_as_a_sentence(expectation: Expectation, words: str) -> None:
    assert in_words(expectation) == words


def test_a_warning_is_told_from_a_critical_rule() -> None:
    assert severity(gxe.ExpectColumnValuesToNotBeNull(column="a", severity="warning")) == "warning"


def test_stale_pages_are_listed_and_writing_mends_them(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "gold.interactions.md").write_text("old", encoding="utf-8")
    (tmp_path / "gold.gone.md").write_text("old", encoding="utf-8")
    (tmp_path / "silver.events.md").unlink()
    found = [line.removeprefix(f"{tmp_path}/") for line in stale(tmp_path)]
    assert found == ["silver.events.md is missing", "gold.interactions.md is out of date", "gold.gone.md describes no table"]
    write(tmp_path)
    assert stale(tmp_path) == []
