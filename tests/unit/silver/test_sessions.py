"""Sessions: where they begin, where they end, who has none."""

from datetime import UTC, datetime, timedelta

from pyspark.sql import SparkSession

from jobs.silver.sessions import build
from tests.rows import NOON, events


def at(minutes: float) -> dict[str, datetime]:
    return {"occurred_at": NOON + timedelta(minutes=minutes)}


def test_thirty_idle_minutes_are_still_one_session_and_more_are_two(spark: SparkSession) -> None:
    sessions = build(events(spark, at(0), at(30), at(60.5))).orderBy("started_at").collect()
    assert [s["event_count"] for s in sessions] == [2, 1]
    assert [s["duration_seconds"] for s in sessions] == [1800, 0]


def test_a_session_that_crosses_midnight_is_one_session_of_the_day_it_began(spark: SparkSession) -> None:
    late = datetime(2026, 5, 4, 23, 50, tzinfo=UTC)
    rows = [{"occurred_at": late + timedelta(minutes=m)} for m in (0, 15, 30)]
    (session,) = build(events(spark, *rows)).collect()
    assert (str(session["session_date"]), session["event_count"]) == ("2026-05-04", 3)


def test_a_restless_visitor_gets_a_new_session_each_midnight(spark: SparkSession) -> None:
    start = datetime(2026, 5, 4, 0, 0, tzinfo=UTC)
    rows = [{"occurred_at": start + timedelta(minutes=20 * n)} for n in range(2 * 72)]
    sessions = build(events(spark, *rows)).orderBy("started_at").collect()
    assert [(str(s["session_date"]), s["event_count"]) for s in sessions] == [("2026-05-04", 72), ("2026-05-05", 72)]


def test_a_device_that_signs_in_stays_one_session_with_its_user(spark: SparkSession) -> None:
    guest = {"user_id": None, "anonymous_id": "a1", "channel": None}
    signed_in = {"user_id": "u7", "anonymous_id": "a1", "channel": "email", "event_type": "purchase"}
    (session,) = build(events(spark, {**guest, **at(0)}, {**signed_in, **at(5)})).collect()
    assert (session["user_id"], session["anonymous_id"], session["channel"]) == ("u7", "a1", "email")
    assert (session["has_cart"], session["has_purchase"]) == (False, True)


def test_a_source_that_knows_only_days_and_a_visitor_nobody_knows_have_no_sessions(spark: SparkSession) -> None:
    rows = events(spark, {"time_resolution": "day"}, {"user_id": None, "anonymous_id": None})
    assert build(rows).count() == 0


def test_ties_in_time_give_the_same_sessions_in_any_order_of_rows(spark: SparkSession) -> None:
    changes = [{**at(0), "event_id": f"e{n}", "channel": f"c{n}", "user_id": "u1"} for n in range(6)]
    forward, backward = build(events(spark, *changes)), build(events(spark, *changes[::-1]))
    assert forward.drop("nothing").collect() == backward.collect()
    assert forward.collect()[0]["channel"] == "c0"
