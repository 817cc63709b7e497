"""Claims about the model of what items say: it speaks for items that nobody has touched, and every column has as much to say."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs.errors import BadDataError
from jobs.recommender.__main__ import main
from jobs.recommender.chain import Chain
from jobs.recommender.family import TRAINERS, chosen
from jobs.recommender.models.content import Content, ContentTrainer
from jobs.recommender.plain_files import read_items
from jobs.silver.items import ITEMS as SILVER_ITEMS
from tests.unit.recommender.test_family import ITEMS, ModelContract, ranked, signals


def told(**texts: str | None) -> pa.Table:
    return pa.table({"item_id": pa.array(list(texts)), "name": pa.array(list(texts.values()), pa.string())})


CIRCLES = told(**{item: "red shoe" if item[0] == "a" else "blue cup" for item in ITEMS}, c="thing", m="thing", x="thing")


class TestContent(ModelContract):
    trainer = ContentTrainer(CIRCLES)
    may_be_short = True

    def test_an_item_that_nobody_has_touched_is_recommended(self, spark: SparkSession) -> None:
        rows = signals(spark, [("u", "a1"), ("v", "b1")])
        found = ranked(self.chain(rows), ["u"], k=1, exclude=[("u", "a1")], items=["a1", "b1", "a5", "b5"])
        assert [item for _, item, *_ in found["u"]] == ["a5"]


def similar(model: Content, item: str) -> dict[str, float]:
    return dict(model.similar_items(item, 9))


def fitted(spark: SparkSession, items: pa.Table) -> Content:
    return ContentTrainer(items).fit(signals(spark, []))


def test_a_rare_word_says_more_than_a_common_one(spark: SparkSession) -> None:
    near = similar(fitted(spark, told(a="red lamp", b="red cup", c="rare lamp", d="red pen", e="red hat")), "a")
    assert near["c"] > near["b"] > 0


def test_columns_have_as_much_to_say_as_each_other_and_words_do_not_cross_them(spark: SparkSession) -> None:
    items = pa.table({"item_id": ["a", "b", "c"], "name": ["one two three four", "five six", "acme"], "brand": ["acme", "acme", "other"]})
    assert similar(fitted(spark, items), "a") == {"b": pytest.approx(0.5)}, "the brand of two columns; c is no acme for its name"


def test_an_item_that_says_nothing_has_no_score_and_no_neighbours(spark: SparkSession) -> None:
    model = fitted(spark, told(a="lamp", b=None, c="lamp ?!", d="!"))
    assert similar(model, "a") == {"c": 1.0}
    assert similar(model, "b") == similar(model, "d") == {}
    rows = signals(spark, [("u", "b")])
    assert ranked(Chain((model,), rows), ["u"], k=3, items=["a", "b", "c", "d"]) == {}


def test_no_words_at_all_are_no_error(spark: SparkSession) -> None:
    assert fitted(spark, told(a=None, b="")).vectors.shape == (2, 0)


def test_an_item_with_two_rows_is_refused(spark: SparkSession) -> None:
    with pytest.raises(BadDataError, match="content: expected one row an item; found 1 more"):
        fitted(spark, pa.table({"item_id": ["a", "a"], "name": ["x", "y"]}))


def test_the_catalogue_is_that_of_the_day(spark: SparkSession) -> None:
    first, second = date(2026, 6, 1), date(2026, 6, 2)
    versions = [("a", first, second, "lamp", None), ("a", second, None, "cup", None), ("b", second, None, "cup", None)]
    rows = [(*version, None, None, None, True) for version in versions]
    items = spark.createDataFrame(rows, SILVER_ITEMS.struct())
    assert ContentTrainer.of_catalogue(items, first).items["name"].to_pylist() == ["lamp"]
    assert similar(ContentTrainer.of_catalogue(items, second).fit(signals(spark, [])), "a") == {"b": 1.0}


def test_content_is_among_the_models_where_there_is_what_items_say() -> None:
    assert "content" not in {trainer.name for trainer in chosen(None)}
    assert {trainer.name for trainer in chosen(None, CIRCLES)} >= {*TRAINERS, "content"}
    assert [trainer.name for trainer in chosen(["content", "ease"], CIRCLES)] == ["content", "ease"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("id,name\na,lamp", "expected a column item_id and columns of words; found id, name"),
        ("item_id\na", "expected a column item_id and columns of words; found item_id"),
        ("item_id,name\na,lamp\na,cup\n,hat", "expected one line an item, with its id; found 3 lines, 1 items"),
    ],
)
def test_a_file_of_items_that_will_not_do_is_refused(spark: SparkSession, tmp_path: Path, lines: str, said: str) -> None:
    place = tmp_path / "items.csv"
    place.write_text(lines + "\n", encoding="utf-8")
    with pytest.raises(BadDataError) as caught:
        read_items(spark, place)
    assert said in str(caught.value)


def test_the_command_compares_content_with_a_file_of_items_and_says_so_without(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.recommender.__main__.local_session", lambda _: spark)
    train, test, items = (tmp_path / name for name in ("train.csv", "test.csv", "items.csv"))
    train.write_text("user_id,item_id\nu,a\nv,b\nw,c\n", encoding="utf-8")
    test.write_text("user_id,item_id\nu,c\n", encoding="utf-8")
    items.write_text('item_id,name\na,"red, ""big"" lamp"\nb,cup\nc,big\n', encoding="utf-8")
    asked = ["compare", "--train", str(train), "--test", str(test), "--models", "content", "--k", "1"]
    assert main([*asked, "--items", str(items)]) == 0
    assert capsys.readouterr().out.count("content") == 1
    assert main(asked) == 65
    assert "content: expected a file with what the items say; found none. Name one with --items." in capsys.readouterr().err
