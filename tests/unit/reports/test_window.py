"""The window holds the newest publication of each day, forgets what is old, and is the same however it was put together."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.reports.window import DAYS, MOST_AUDITS, Failure, Recorded, Window
from tests.recorded_days import LAST_DAY, a_shop, anomaly, audit, state

DAY = timedelta(days=1)


def window(*recorded: Recorded) -> Window:
    found = Window()
    for rows in recorded:
        found = found.with_recorded(rows)
    return found


def test_what_is_kept_is_read_back_as_it_was() -> None:
    whole = window(a_shop(20))
    assert Window.from_json(whole.to_json()) == whole


def test_an_object_of_another_form_is_made_anew() -> None:
    assert Window.from_json(window(a_shop(2)).to_json().replace(b'"form":1', b'"form":0')) == Window()
    assert Window.from_json(None) == Window()


def test_day_by_day_gives_the_same_window_as_all_at_once() -> None:
    shop = a_shop(70)
    one_by_one = Window()
    for day in sorted({a.start for a in shop.audits}):
        runs = {a.key for a in shop.audits if a.start == day}
        of_day = Recorded(
            tuple(a for a in shop.audits if a.start == day),
            tuple(s for s in shop.states if (s.run_id, s.attempt) in runs),
            tuple(a for a in shop.anomalies if (a.run_id, a.attempt) in runs),
        )
        one_by_one = one_by_one.with_recorded(of_day)
    assert one_by_one == window(shop)
    assert window(shop, shop) == window(shop)


def test_days_before_the_window_leave_it() -> None:
    found = window(a_shop(DAYS + 15)).tables["silver.events"]
    assert found.days[0].day == LAST_DAY - (DAYS - 1) * DAY
    assert found.audits[0].start == LAST_DAY - (DAYS - 1) * DAY


def test_a_replay_of_an_old_day_does_not_move_the_window() -> None:
    old = LAST_DAY - 100 * DAY
    later = datetime(2026, 7, 1, 9, tzinfo=UTC)
    replay = Recorded((audit(old, run_id="replay", started_at=later),), (state(old, run_id="replay", recorded_at=later),))
    found = window(a_shop(3), replay)
    assert found.last_day == LAST_DAY
    assert [s.day for s in found.tables["silver.events"].days] == [LAST_DAY - 2 * DAY, LAST_DAY - DAY, LAST_DAY]


def test_a_day_shows_what_was_published_last_and_not_what_failed() -> None:
    later = state().recorded_at + timedelta(hours=1)
    again = state(run_id="again", rows=2, recorded_at=later)
    failed = state(run_id="failed", rows=3, recorded_at=later + timedelta(hours=1))
    audits = (audit(), audit(run_id="again", started_at=later), audit(run_id="failed", started_at=later, outcome="failed: AuditError"))
    found = window(Recorded(audits, (failed, again, state())))
    assert [s.rows for s in found.tables["silver.events"].days] == [2]


def test_an_attempt_that_is_recorded_again_replaces_itself() -> None:
    found = window(Recorded((audit(evaluated=0),)), Recorded((audit(evaluated=12),)))
    assert [a.evaluated for a in found.tables["silver.events"].audits] == [12]


def test_an_anomaly_is_open_until_a_later_attempt_at_its_day_raises_it_no_more() -> None:
    raised = Recorded((audit(),), (state(),), (anomaly(),))
    assert len(window(raised).tables["silver.events"].open_anomalies()) == 1
    later = audit().started_at + timedelta(hours=3)
    again = Recorded((audit(run_id="again", started_at=later),), (state(run_id="again", recorded_at=later),))
    assert window(raised, again).tables["silver.events"].open_anomalies() == []
    still = Recorded(again.audits, again.states, (anomaly(run_id="again"),))
    assert [a.run_id for a in window(raised, still).tables["silver.events"].open_anomalies()] == ["again"]


def test_another_day_does_not_close_an_anomaly() -> None:
    raised = Recorded((audit(LAST_DAY - DAY),), (state(LAST_DAY - DAY),), (anomaly(LAST_DAY - DAY),))
    next_day = Recorded((audit(),), (state(),))
    assert len(window(raised, next_day).tables["silver.events"].open_anomalies()) == 1


def test_a_table_keeps_so_many_attempts_and_no_more() -> None:
    started = audit().started_at
    many = tuple(audit(run_id=f"r{n:04d}", started_at=started + timedelta(minutes=n)) for n in range(MOST_AUDITS + 5))
    kept = window(Recorded(many)).tables["silver.events"].audits
    assert (len(kept), kept[-1].run_id) == (MOST_AUDITS, f"r{MOST_AUDITS + 4:04d}")


@pytest.mark.parametrize("found", [None, "3 rows"])
def test_failures_survive_the_object(found: str | None) -> None:
    failure = Failure("expect_x", "user_id", "critical", "{}", found)
    kept = Window.from_json(window(Recorded((audit(failures=(failure,)),))).to_json())
    assert kept.tables["silver.events"].audits[0].failures == (failure,)
