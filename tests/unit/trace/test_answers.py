"""The parts of an answer."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from jobs.landing import LandedFile
from jobs.release.record import Release
from jobs.step import AsOf, EventDays, LandedDays, Scope, Whole
from jobs.trace import answers
from jobs.trace.answers import FamilyBehind
from jobs.trace.history import Snapshot
from jobs.trace.tree import Node
from jobs.tracking import ModelVersion, Trained

MakeRelease = Callable[..., Release]

DAY = date(2027, 5, 1)
FILE = "landing/native/events/2027-05-01/part-00000.jsonl.gz"
TRAINED = Trained(
    version=ModelVersion("shop.recommender", "3", "run-3", "better", {}, {}),
    experiment_id="1",
    run_name="recommender 2027-05-01 r",
    status="FINISHED",
    scheduler_run_id="r",
    attempt="1",
    code_version="0.1.0+abc",
    as_of_date="2027-05-01",
    window=("2027-02-01", "2027-05-01"),
    snapshots={"gold.interactions": 2**62, "silver.items": 7},
    is_champion=True,
    address="http://mlflow/#/experiments/1/runs/run-3",
)
SERVED = FamilyBehind("recommender", {"name": "recommender", "version": "3", "tables": ["gold.recommendations"]}, TRAINED)


def place(rank: int, item: str, model: str) -> dict[str, Any]:
    return {"as_of_date": DAY, "user_id": "u", "rank": rank, "item_id": item, "score": 0.5, "model": model, "model_version": "3"}


KEY = ("as_of_date", "user_id", "rank")


def test_a_personal_place_rests_on_the_whole_window_of_the_model_that_served_and_says_so() -> None:
    nodes = answers.recommended([place(1, "i1", "als")], KEY, SERVED, counts={"i1": {"view_item": 4}}, learnt_from=5_000, lines=12)
    [row, basis] = nodes
    assert row.facts["events_of_everybody_with_it"] == {"view_item": 4}
    assert basis.facts["training_window"] == "2027-02-01 to 2027-05-01"
    assert (basis.facts["interactions"], basis.facts["own_rows"]) == (5_000, 12)
    assert basis.facts["snapshot"] == f"gold.interactions@{2**62}"
    assert "no single line" in basis.facts["how"]


def test_a_popular_place_rests_on_the_items_own_counts() -> None:
    rows = [place(1, "i1", "popularity"), place(2, "i2", "popularity")]
    nodes = answers.recommended(rows, KEY, SERVED, counts={"i1": {"view_item": 4}}, learnt_from=None, lines=0)
    assert [node.kind for node in nodes] == ["row", "row", "rests on"]
    assert nodes[1].facts["events_of_everybody_with_it"] == "none: it fills a place that was left"
    assert "the same for each user" in nodes[2].facts["how"]


def test_the_list_of_who_has_not_agreed_is_told_without_a_personal_reason() -> None:
    [_, basis] = answers.recommended([place(1, "i1", "unpersonal_popularity")], KEY, SERVED, counts={}, learnt_from=5, lines=12)
    assert basis.name == "the events of everybody with each item"
    assert "has not agreed to personalisation" in basis.facts["how"]
    assert "is left out" not in basis.facts["how"]
    assert "own_rows" not in basis.facts


def test_each_way_in_which_a_place_was_filled_is_told_once_whatever_the_champion() -> None:
    rows = [place(n, f"i{n}", model) for n, model in enumerate(("ease", "ease", "category_popularity", "exploration"), start=1)]
    told = [node.facts["how"] for node in answers.recommended(rows, KEY, SERVED, counts={}, learnt_from=5, lines=1)[4:]]
    assert [how.partition(":")[0] for how in told] == ["ease", "category_popularity", "exploration"]


def test_a_model_leads_to_its_run_its_datasets_and_its_decision() -> None:
    decided = {"is_promoted": True, "reason": "Promoted: better.", "run_id": "r", "attempt": 1, "as_of_date": DAY}
    node = answers.model(FamilyBehind("recommender", SERVED.recorded, TRAINED, decided))
    assert node.name == "recommender version 3"
    [run] = node.find("MLflow run")
    assert (run.name, run.facts["datasets"]["gold.interactions"]) == ("run-3", str(2**62))
    assert node.find("decision")[0].facts["reason"] == "Promoted: better."


def test_where_no_model_served_the_answer_says_what_did_and_why() -> None:
    node = answers.model(FamilyBehind("recommender", {"name": "popularity", "version": None, "reason": "nothing trained"}))
    assert node.name == "popularity (no model of recommender served)"
    assert (node.facts["reason"], node.find("MLflow run")) == ("nothing trained", [])


def test_a_silent_mlflow_and_a_deleted_version_are_told_apart() -> None:
    silent = answers.model(FamilyBehind("recommender", SERVED.recorded, is_answered=False)).find("MLflow run")[0]
    gone = answers.model(FamilyBehind("recommender", SERVED.recorded)).find("MLflow run")[0]
    assert "does not answer" in silent.facts["why"]
    assert "no such version" in gone.facts["why"]


def test_a_snapshots_id_is_text_and_its_verdict_is_words() -> None:
    known = Snapshot("silver.events", 2**62, datetime(2027, 5, 2, tzinfo=UTC), "r", 1, "0.1.0", None, {"bronze.events": 5, "ops.runs": 1})
    node = answers.snapshot("silver.events", str(2**62), known, {"evaluated": 9, "critical_failed": 0, "warnings": 2})
    assert node.name == f"silver.events@{2**62}"
    assert node.facts["quality"] == "9 expectations evaluated, 0 critical failed, 2 warnings"
    assert node.facts["read"] == {"bronze.events": "5"}


def test_a_landed_line_shows_its_text_only_when_it_was_asked_for_and_says_when_it_is_gone() -> None:
    row = {"source_file": FILE, "line_number": 7, "event_type": "view_item", "item_id": "i1", "delivery_count": 2, "event_date": DAY}
    with_text = answers.lines_of_user("silver.events@1", [row], 40, {(FILE, 7): '{"user_id": "ada"}'}).parts[0]
    assert (with_text.name, with_text.facts["text"]) == (f"{FILE} line 7", '{"user_id": "ada"}')
    assert "2 times" in with_text.facts["delivered"]
    gone = answers.lines_of_user("silver.events@1", [row], 1, {}).parts[0]
    assert gone.facts["text"] == "gone: raw text has been expired"
    without = answers.lines_of_user("silver.events@1", [row], 40, None)
    assert "text" not in without.parts[0].facts
    assert (without.facts["rows"], without.facts["shown"]) == (40, "the newest 1; --limit asks for more")


def test_landed_files_say_when_bronze_had_to_be_read_as_it_is_now() -> None:
    files = [{"source_file": FILE, "lines": 32}]
    exact = answers.landed_files(files, 1, DAY, [])
    assert (exact.parts[0].facts["lines"], exact.facts["read"]) == (32, None)
    assert "bronze.events as published now" in answers.landed_files(files, 9, DAY, ["bronze.events"]).facts["read"]


def test_the_fate_of_a_file_adds_up() -> None:
    node = answers.fate("silver.events", {DAY: 27}, {("unreadable",): 1, ("too_late", "missing_item"): 1}, 30, is_primary=True)
    assert (node.facts["kept"], node.facts["rejected"], node.facts["merged"]) == (27, 2, 1)
    assert node.facts["reasons"] == {"missing_item": 1, "too_late": 1, "unreadable": 1}


def test_a_derived_table_does_not_call_a_line_of_another_kind_merged() -> None:
    node = answers.fate("silver.order_lines", {DAY: 2}, {}, 30, is_primary=False)
    assert (node.facts["merged"], node.facts["merged_or_no_record_of_this_table"]) == (None, 28)


def test_a_line_is_kept_rejected_merged_or_no_record_of_the_table() -> None:
    row = {"event_date": DAY, "event_id": "e1", "source_file": FILE, "line_number": 1, "delivery_count": 2}
    key = ("event_date", "event_id")
    assert answers.line_in("silver.events", row, None, None, key).facts["outcome"] == "kept"
    assert answers.line_in("silver.events", None, ["unreadable"], None, key).facts["reasons"] == ["unreadable"]
    assert answers.line_in("silver.events", None, None, row, key).facts["into"] == f"{FILE} line 1"
    assert answers.line_in("silver.events", None, None, None, key).facts["outcome"] == "no record of this table"


def test_partitions_follow_the_scope_of_each_table() -> None:
    scopes: dict[str, Scope] = {
        "silver.sessions": EventDays(before=1, after=1),
        "gold.user_features": AsOf(),
        "silver.items": Whole(),
        "x": LandedDays(),
    }
    node = answers.partitions_made(scopes, {DAY}, DAY)
    assert {part.name: part.facts["days"] for part in node.parts} == {
        "silver.sessions": ["2027-04-30", "2027-05-01", "2027-05-02"],
        "gold.user_features": "every as_of_date from 2027-05-01 on",
        "silver.items": "the whole table",
    }


def test_releases_are_made_of_a_landed_day_only_when_their_set_holds_it_and_their_day_is_not_before_it(make_release: MakeRelease) -> None:
    before, after = make_release("2027-04-30-000001"), make_release("2027-05-01-000001")
    snapshot_id = int(after.content.set.tables["silver.events"].snapshot_id)
    assert answers.made_of([before, after], {snapshot_id}, "silver.events", DAY) == [after]
    assert answers.made_of([before, after], {1}, "silver.events", DAY) == []


def test_a_release_whose_content_the_current_one_shows_again_is_what_readers_see(make_release: MakeRelease) -> None:
    first, other = make_release("2027-04-30-000001"), make_release("2027-05-01-000001")
    back = make_release("2027-05-01-000002", withdraws="2027-05-01-000001", content_of="2027-04-30-000001")
    assert answers.release(first, back).facts["is_current"]
    assert not answers.release(other, back).facts["is_current"]


def test_a_file_that_landed_again_is_told_and_what_bronze_has_not_read_yet_too() -> None:
    listed = LandedFile("part-00000.jsonl.gz", 10, 99, "new")
    held = {"lines": 32, "sha256": "old"}
    replaced = answers.landing("bronze.events", DAY, listed, held, {"lines": 10, "sha256": "new"})
    assert "--now" in replaced.facts["landed_again"]
    waiting = answers.landing("bronze.events", DAY, listed, held, held)
    assert "run the day again" in waiting.facts["landed_again"]
    assert (
        answers.landing("bronze.events", DAY, listed, {"lines": 10, "sha256": "new"}, {"lines": 10, "sha256": "new"}).facts["landed_again"]
        is None
    )
    assert "not read" in answers.landing("bronze.events", DAY, listed, None, None).facts["lines"]


def test_a_tree_finds_its_parts_and_json_holds_no_empty_ones() -> None:
    tree = Node("user", "u", {}, (Node("line", "a", {"n": None}), Node("release", "r", {}, (Node("line", "b"),))))
    assert [node.name for node in tree.find("line")] == ["a", "b"]
    assert tree.as_dict()["parts"][1] == {"kind": "release", "name": "r", "parts": [{"kind": "line", "name": "b"}]}
