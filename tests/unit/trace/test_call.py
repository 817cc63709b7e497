"""What the questions share, with a lake that is a few snapshots in memory."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from jobs.errors import BadDataError, TryAgainError
from jobs.release.record import Release
from jobs.store import Store
from jobs.trace.call import Call
from jobs.trace.history import Snapshot
from tests.bronze_rows import SETTINGS

MakeRelease = Callable[..., Release]
BEGAN = datetime(2027, 5, 2, tzinfo=UTC)


def snapshot(table: str, snapshot_id: int, read: Mapping[str, int], minutes: int = 0) -> Snapshot:
    return Snapshot(table, snapshot_id, BEGAN + timedelta(minutes=minutes), "r", 1, "0", None, read)


def call_on(*there: Snapshot) -> Call:
    """A call whose lake has these snapshots and no other, and no decision."""

    def snapshots(wanted: Mapping[str, int]) -> dict[str, Snapshot]:
        return {one.table: one for one in there if wanted.get(one.table) == one.snapshot_id}

    call = Call(SETTINGS, cast("Store", None), 10)
    vars(call)["reader"] = SimpleNamespace(snapshots=snapshots, decision=lambda *_: None)
    return call


def test_raw_lines_are_read_at_the_bronze_that_the_newest_silver_had_read() -> None:
    older, newer = snapshot("silver.events", 1, {"bronze.events": 10}), snapshot("silver.items", 2, {"bronze.events": 20}, minutes=5)
    assert call_on().bronze_behind({"silver.events": older, "silver.items": newer}) == {"bronze.events": 20}


def test_bronze_is_found_through_silver_where_only_gold_is_known() -> None:
    silver = snapshot("silver.events", 1, {"bronze.events": 10, "ops.runs": 3})
    gold = snapshot("gold.interactions", 9, {"silver.events": 1})
    assert call_on(silver).bronze_behind({"gold.interactions": gold}) == {"bronze.events": 10}
    assert call_on().bronze_behind({"gold.interactions": gold}) == {}


def test_a_release_whose_snapshots_have_been_expired_is_refused_by_name(make_release: MakeRelease) -> None:
    release = make_release("2027-05-01-000001")
    wanted = int(release.content.set.tables["silver.events"].snapshot_id)
    call_on(snapshot("silver.events", wanted, {})).require(release, ["silver.events", "silver.order_lines"])
    with pytest.raises(BadDataError, match=r"expected the snapshots of silver\.events that it names; found that they have been expired"):
        call_on().require(release, ["silver.events", "silver.order_lines"])


def test_an_mlflow_that_does_not_answer_costs_the_run_and_not_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: Any) -> None:
        raise TryAgainError("MLflow", expected="an answer", found="none", advice="Start it.")

    monkeypatch.setattr("jobs.tracking.connect", lambda _: SimpleNamespace(trained=silent))
    found = call_on().family("recommender", {"name": "recommender", "version": "3"})
    assert (found.trained, found.is_answered) == (None, False)
