"""Claims about a comparison: who is compared on what, what is counted, and what a person reads."""

import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.recommender.__main__ import main
from jobs.recommender.comparison import compare, examine, list_faults
from jobs.recommender.histories import SIGNALS_FRAME
from jobs.recommender.model import PAIR_FRAME, SLATE_FRAME
from jobs.recommender.ranker import NOTHING
from tests.fixed_ranker import FixedRanker

TRAIN = [("u", "a"), ("u", "b"), ("v", "a"), ("v", "c"), ("w", "a"), ("w", "d")]
TEST = [("u", "c"), ("u", "a"), ("v", "b"), ("new", "a"), ("w", "unheard"), ("again", "x")]


def frames(spark: SparkSession, train: list[tuple[str, str]] = TRAIN, test: list[tuple[str, str]] = TEST) -> tuple[DataFrame, DataFrame]:
    return spark.createDataFrame([(*pair, 1.0, None) for pair in train], SIGNALS_FRAME), spark.createDataFrame(test, PAIR_FRAME)


@dataclass(frozen=True)
class FixedTrainer:
    """Knows the answer already."""

    values: dict[str, float]
    name: str

    def fit(self, signals: DataFrame) -> FixedRanker:  # noqa: ARG002 - a trainer's signature
        return FixedRanker(pa.array(sorted(self.values)), tuple(self.values[item] for item in sorted(self.values)), self.name)


def test_everybody_with_a_new_item_is_examined_and_whatever_cannot_be_right_is_counted(spark: SparkSession) -> None:
    exam, unscorable = examine(*frames(spark))
    assert {(row["user_id"], row["relevant_count"]) for row in exam.users.collect()} == {
        ("u", 1),
        ("v", 1),
        ("new", 1),
        ("w", 1),
        ("again", 1),
    }
    assert unscorable == {"repeated_pairs": 1, "users_without_a_new_item": 0}
    assert (exam.counts.users, exam.counts.cold_users, exam.counts.cold_items, exam.counts.relevant_pairs) == (5, 2, 2, 5)


def test_a_user_whose_test_lines_are_all_known_is_left_out_and_counted(spark: SparkSession) -> None:
    exam, unscorable = examine(*frames(spark, test=[("u", "a"), ("v", "b")]))
    assert [row["user_id"] for row in exam.users.collect()] == ["v"]
    assert unscorable == {"repeated_pairs": 1, "users_without_a_new_item": 1}


def test_the_better_model_comes_first_with_a_lead_that_is_paired(spark: SparkSession) -> None:
    good, bad = FixedTrainer({"b": 2.0, "c": 1.0}, "good"), FixedTrainer({"d": 1.0, "b": NOTHING, "c": NOTHING}, "bad")
    found = compare(*frames(spark, test=[("u", "c"), ("v", "b")]), [bad, good], k=1, seed=1)
    assert [one.name for one in found.ranked()] == ["good", "popularity", "bad"]
    assert found.differences()["good", "bad"].mean == 1.0
    assert set(found.differences()) == {("good", "popularity"), ("good", "bad"), ("popularity", "bad")}


def test_places_that_a_model_leaves_are_filled_by_popularity_and_counted(spark: SparkSession) -> None:
    found = compare(*frames(spark, test=[("u", "c"), ("u", "d")]), [FixedTrainer({"c": 1.0}, "one")], k=2, seed=1)
    faults = found.ranked()[0].faults
    assert (faults.filled_places, faults.places, faults.short_lists) == (1, 2, 0)


def test_faulty_lists_are_seen(spark: SparkSession) -> None:
    exam, _ = examine(*frames(spark))
    rows = [("u", "c", 1), ("u", "c", 2), ("u", "a", 3), ("v", "made_up", 1), ("v", "b", 2)]
    slate = spark.createDataFrame([(*row, 1.0, "m") for row in rows], SLATE_FRAME)
    found = list_faults(slate, exam, "m", k=3)
    assert (found.duplicates, found.unknown_items, found.excluded_items) == (1, 1, 1)
    assert found.short_lists == 3, "v could have had nothing but b and d, new and again had nothing, w nothing"


def test_the_command_prints_a_table_and_leaves_a_report(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.recommender.__main__.local_session", lambda _: spark)
    train, test, out = (tmp_path / name for name in ("train.csv", "test.csv", "report.json"))
    for place, pairs in ((train, TRAIN), (test, TEST)):
        place.write_text("user_id,item_id\n" + "".join(f"{user},{item}\n" for user, item in pairs), encoding="utf-8")
    arguments = ["compare", "--train", str(train), "--test", str(test), "--models", "item_neighbours", "--k", "2", "--out", str(out)]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "5 users, 5 right answers; leaks time" in said
    assert "cold users 2, items in the test that nobody had touched 2; left out: repeated_pairs 1" in said
    report = json.loads(out.read_text(encoding="utf-8"))
    assert set(report["models"]) == {"popularity", "item_neighbours"}
    assert report["differences"][0]["metric"] == "ndcg_at_2"


def test_the_command_says_what_is_wrong_with_a_file_in_one_line(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.recommender.__main__.local_session", lambda _: spark)
    assert main(["compare", "--input", str(tmp_path / "absent.csv")]) == 65
    assert capsys.readouterr().err.startswith("BadDataError: ")
