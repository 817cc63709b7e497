"""Which tags must be there, and which may go."""

from collections.abc import Callable
from datetime import timedelta

from jobs.maintenance.history import History
from jobs.maintenance.tags import Named, after, missing, plan
from jobs.release.record import Content, Release, SetVersion, TableVersion
from tests.unit.maintenance.conftest import NOW

AGE = NOW - timedelta(days=5)
NOBODY = Named({}, set(), set())


def release(release_id: str, snapshot_id: int, **fields: object) -> Release:
    day, _, number = release_id.rpartition("-")
    version = TableVersion(snapshot_id=str(snapshot_id), content_hash="1-00")
    content = Content(
        day=day,  # type: ignore[arg-type]  # pydantic reads it
        set=SetVersion(id=f"{day}-000001", tables={"silver.events": version}),
        tables={},
        models={},
        exports={},
        quality={},
    )
    given = {"id": release_id, "day": day, "sequence": int(number), "run_id": "r", "attempt": 1, "code_version": "0", "created_at": NOW}
    return Release(**(given | {"content": content} | fields))  # type: ignore[arg-type]


def gone(found: History, named: Named = NOBODY) -> list[str]:
    return sorted(name for going in plan([found], named, AGE, {}) for name in going.names)


def test_an_old_set_that_nobody_names_goes_and_the_newest_stays(daily: Callable[..., History]) -> None:
    tags = {"set_2026_07_21_000001": 1, "set_2026_07_22_000001": 2}
    assert gone(daily(tags=tags)) == ["set_2026_07_21_000001"]


def test_a_set_of_a_release_or_of_a_champion_stays(daily: Callable[..., History]) -> None:
    tags = {f"set_2026_07_2{n}_000001": n for n in (1, 2, 3, 4)}
    named = Named.of([release("2026-07-21-000003", 1)], {"2026-07-22-000001"}, set())
    assert gone(daily(tags=tags), named) == ["set_2026_07_23_000001"]


def test_a_set_is_as_old_as_its_newest_snapshot(daily: Callable[..., History]) -> None:
    quiet, busy = daily(tags={"set_a": 1, "set_b": 10}), daily(tags={"set_a": 9, "set_b": 10})
    assert plan([quiet, busy], NOBODY, AGE, {}) == []


def test_a_release_lacks_a_tag_only_where_none_spares_its_snapshot(daily: Callable[..., History]) -> None:
    named = Named.of([release("2026-07-21-000001", 1), release("2026-07-22-000001", 2)], set(), set())
    assert missing(daily(tags={"release_2026_07_21_000001": 1, "set_2026_07_22_000001": 2}), named, None) == {
        "release_2026_07_22_000001": 2
    }


def test_a_withdrawal_is_spared_by_the_tag_of_the_release_that_it_shows(daily: Callable[..., History]) -> None:
    back = release("2026-07-23-000002", 1, content_of="2026-07-21-000001", withdraws="2026-07-23-000001")
    named = Named.of([back], set(), set())
    assert gone(daily(tags={"release_2026_07_21_000001": 1}), named) == []


def test_the_tag_of_a_publisher_that_died_goes_and_of_one_at_work_stays(daily: Callable[..., History]) -> None:
    named = Named.of([], set(), {"2026-07-22-000001"})
    assert gone(daily(tags={"release_2026_07_21_000001": 1, "release_2026_07_22_000001": 2}), named) == ["release_2026_07_21_000001"]


def test_a_release_does_not_spare_raw_text_whose_retention_has_ended(daily: Callable[..., History]) -> None:
    found = daily(tags={"release_2026_07_21_000001": 1, "release_2026_07_29_000001": 9})
    named = Named.of([release("2026-07-21-000001", 1), release("2026-07-29-000001", 9)], set(), set())
    floor = found.snapshots[9]
    (going,) = plan([found], named, AGE, {"silver.events": floor})
    assert (going.names, "raw text" in going.reason) == (("release_2026_07_21_000001",), True)
    assert missing(daily(), named, floor) == {"release_2026_07_29_000001": 9}


def test_a_dry_run_plans_the_expiry_on_the_tags_that_would_be_there(daily: Callable[..., History]) -> None:
    found = daily(tags={"set_2026_07_21_000001": 1, "set_2026_07_22_000001": 2})
    changed = after(found, plan([found], NOBODY, AGE, {}), {"release_x": 2})
    assert changed.tags("") == {"set_2026_07_22_000001": 2, "release_x": 2}
