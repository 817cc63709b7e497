"""Each rule catches its fault on the day, and says nothing of an undisturbed shop."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from jobs.quality.day_state import ColumnState, DayState
from jobs.quality.rules import Anomaly, Concentration, MeanOf, NullShare, RejectShare, ValueVanished, Volume, judged
from tests.unit.quality.shop_days import FIRST, changed, shop_days

EVENTS, TWIN = "silver.events", "silver.events_rejected"
RULES = (
    Volume(),
    NullShare("user_id"),
    NullShare("unit_price_minor"),
    MeanOf("unit_price_minor"),
    ValueVanished("event_type"),
    Concentration("visitor_id"),
)
SEEDS = range(1, 6)
LAST = FIRST + timedelta(days=41)


def verdict(history: dict[date, DayState], day: date = LAST) -> list[Anomaly]:
    return judged(RULES, EVENTS, day, {EVENTS: history})


def found(anomalies: list[Anomaly]) -> list[tuple[str, str, str]]:
    return [(anomaly.rule, anomaly.subject, anomaly.severity) for anomaly in anomalies]


@pytest.mark.parametrize("seed", SEEDS)
def test_an_undisturbed_shop_is_silent_on_every_day(seed: int) -> None:
    history = shop_days(seed, days=120)
    assert [anomaly.sentence for day in history for anomaly in verdict(history, day)] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_half_the_rows_are_a_warning_on_volume(seed: int) -> None:
    history = shop_days(seed)
    day = history[LAST]
    values = {value: rows // 2 for value, rows in day.columns["event_type"].values.items()}
    half = replace(day, rows=day.rows // 2, on_time=day.timely // 2)
    half = changed(half, "event_type", values=values)
    half = changed(
        half, "visitor_id", distinct=(day.columns["visitor_id"].distinct or 0) // 2, top=(day.columns["visitor_id"].top or 0) // 2
    )
    half = changed(half, "user_id", nulls=day.columns["user_id"].nulls // 2)
    half = changed(
        half, "unit_price_minor", nulls=day.columns["unit_price_minor"].nulls // 2, total=(day.columns["unit_price_minor"].total or 0) / 2
    )
    history[LAST] = half
    assert found(verdict(history)) == [("volume", "", "warning")]


def restless() -> dict[date, DayState]:
    """A shop whose days are off from their weekday by a tenth either way."""
    history = shop_days(3)
    factors = (1.0, 1.1, 0.92, 0.9, 1.08, 1.0, 1.1, 0.9, 1.08, 0.93, 1.1)
    rows = {day: round(4_000 * factors[number % len(factors)]) for number, day in enumerate(sorted(history))}
    return {day: replace(state, rows=rows[day], on_time=rows[day], columns={}) for day, state in history.items()}


@pytest.mark.parametrize(("rows", "expected"), [(2_050, [("volume", "", "warning")]), (2_500, [])])
def test_where_days_vary_by_themselves_half_a_day_that_is_the_least_of_the_window_is_a_warning(
    rows: int, expected: list[tuple[str, str, str]]
) -> None:
    history = restless()
    history[LAST] = replace(history[LAST], rows=rows, on_time=rows)
    assert found(judged((Volume(),), EVENTS, LAST, {EVENTS: history})) == expected


def test_half_of_a_handful_is_no_record() -> None:
    history = {day: replace(state, rows=state.rows // 100, on_time=state.timely // 100) for day, state in restless().items()}
    history[LAST] = replace(history[LAST], rows=20, on_time=20)
    assert found(judged((Volume(),), EVENTS, LAST, {EVENTS: history})) == []


def test_as_few_rows_as_on_a_day_before_are_no_record() -> None:
    history = restless()
    history[LAST - timedelta(days=11)] = replace(history[LAST], rows=2_000, on_time=2_000)
    history[LAST] = replace(history[LAST], rows=2_050, on_time=2_050)
    assert found(judged((Volume(),), EVENTS, LAST, {EVENTS: history})) == []


def test_a_tenth_of_the_rows_is_critical() -> None:
    history = shop_days(1)
    history[LAST] = replace(history[LAST], rows=700, on_time=650, columns={})
    assert found(verdict(history)) == [("volume", "", "critical")]


def test_rows_that_land_late_change_nothing_about_the_volume() -> None:
    history = shop_days(1)
    history[LAST] = replace(history[LAST], rows=history[LAST].rows * 3)
    assert found(judged((Volume(),), EVENTS, LAST, {EVENTS: history})) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_column_that_turns_null_is_critical(seed: int) -> None:
    history = shop_days(seed)
    history[LAST] = changed(history[LAST], "user_id", nulls=history[LAST].rows)
    assert found(verdict(history)) == [("null_share", "user_id", "critical")]


def test_a_tenth_more_without_a_value_is_a_warning_and_fewer_are_nothing() -> None:
    history = shop_days(2)
    rows = history[LAST].rows
    history[LAST] = changed(history[LAST], "user_id", nulls=int(rows * 0.32))
    assert found(verdict(history)) == [("null_share", "user_id", "warning")]
    history[LAST] = changed(history[LAST], "user_id", nulls=0)
    assert found(verdict(history)) == []


@pytest.mark.parametrize("factor", [0.01, 100.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_prices_in_another_unit_are_critical(seed: int, factor: float) -> None:
    history = shop_days(seed)
    total = history[LAST].columns["unit_price_minor"].total or 0.0
    history[LAST] = changed(history[LAST], "unit_price_minor", total=total * factor)
    assert found(verdict(history)) == [("mean_of", "unit_price_minor", "critical")]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_type_that_is_gone_is_named(seed: int) -> None:
    history = shop_days(seed)
    values = {value: rows for value, rows in history[LAST].columns["event_type"].values.items() if value != "add_to_cart"}
    history[LAST] = changed(history[LAST], "event_type", values=values)
    assert found(verdict(history)) == [("value_vanished", "event_type=add_to_cart", "critical")]


def test_a_small_value_that_is_gone_is_a_warning_and_one_that_comes_and_goes_is_nothing() -> None:
    history = shop_days(3)
    values = {**history[LAST].columns["event_type"].values, "purchase": 0}
    history[LAST] = changed(history[LAST], "event_type", values=values)
    assert found(verdict(history)) == [("value_vanished", "event_type=purchase", "warning")]
    day = LAST - timedelta(days=10)
    history[day] = changed(history[day], "event_type", values={**history[day].columns["event_type"].values, "purchase": 0})
    assert found(verdict(history)) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_one_bot_that_makes_a_fifth_of_the_day_is_concentration(seed: int) -> None:
    history = shop_days(seed)
    day = history[LAST]
    storm = day.rows // 4
    grown = replace(day, rows=day.rows + storm, on_time=day.timely + storm)
    grown = changed(grown, "visitor_id", top=storm, distinct=(day.columns["visitor_id"].distinct or 0) + 1)
    history[LAST] = grown
    assert found(judged((Concentration("visitor_id"),), EVENTS, LAST, {EVENTS: history})) == [("concentration", "visitor_id", "warning")]


def bots_at_home() -> dict[date, DayState]:
    """A shop in which the busiest makes between 3 % and 15 % of a day, by chance, and the last day is its most ordinary one."""
    shares = (0.03, 0.09, 0.05, 0.15, 0.04, 0.12, 0.07, 0.1, 0.035, 0.06, 0.14)
    history = shop_days(6)
    return {
        day: changed(state, "visitor_id", top=round(shares[number % len(shares)] * (state.rows - state.columns["visitor_id"].nulls)))
        for number, (day, state) in enumerate(sorted(history.items()))
    }


@pytest.mark.parametrize(("share", "expected"), [(0.26, [("concentration", "visitor_id", "warning")]), (0.22, [])])
def test_where_bots_are_at_home_a_storm_is_half_as_much_again_as_on_any_day(share: float, expected: list[tuple[str, str, str]]) -> None:
    history = bots_at_home()
    history[LAST] = changed(history[LAST], "visitor_id", top=round(share * history[LAST].rows))
    assert found(judged((Concentration("visitor_id"),), EVENTS, LAST, {EVENTS: history})) == expected


def test_a_swarm_of_bots_is_seen_by_the_rows_each() -> None:
    history = shop_days(4)
    day = history[LAST]
    history[LAST] = changed(replace(day, rows=day.rows * 5), "visitor_id", top=90, distinct=(day.columns["visitor_id"].distinct or 0) + 100)
    (anomaly,) = judged((Concentration("visitor_id"),), EVENTS, LAST, {EVENTS: history})
    assert (anomaly.severity, anomaly.found.split(maxsplit=1)[1]) == ("critical", "rows each")


def test_the_busiest_of_a_day_without_the_others_is_no_storm() -> None:
    history = shop_days(5)
    history[LAST] = changed(replace(history[LAST], rows=200, on_time=200), "visitor_id", top=60, distinct=40)
    assert found(judged((Concentration("visitor_id"),), EVENTS, LAST, {EVENTS: history})) == []


def test_more_rejected_lines_than_ever_are_a_warning() -> None:
    history = shop_days(1)
    twin = {day: DayState(day, round(state.timely * 0.008)) for day, state in history.items()}
    days = {EVENTS: history, TWIN: twin}
    assert found(judged((RejectShare(EVENTS),), TWIN, LAST, days)) == []
    twin[LAST] = DayState(LAST, round(history[LAST].timely * 0.07))
    assert found(judged((RejectShare(EVENTS),), TWIN, LAST, days)) == [("reject_share", "", "warning")]


def test_three_weeks_are_too_little_history_to_speak() -> None:
    history = shop_days(1, days=21)
    day = max(history)
    history[day] = replace(history[day], rows=1, on_time=1)
    assert verdict(history, day) == []
    longer = shop_days(1, days=22)
    day = max(longer)
    longer[day] = replace(longer[day], rows=1, on_time=1, columns={})
    assert found(verdict(longer, day)) == [("volume", "", "critical")]


def test_chance_is_allowed_for_where_a_constant_history_has_no_spread() -> None:
    history = {FIRST + timedelta(days=n): DayState(FIRST + timedelta(days=n), 9) for n in range(29)}
    last = max(history)
    history[last] = DayState(last, 3)
    assert verdict(history, last) == []
    history = {day: DayState(day, 900) for day in history}
    history[last] = DayState(last, 300)
    assert found(verdict(history, last)) == [("volume", "", "warning")]


def test_a_shop_whose_days_differ_much_anyway_is_given_more_room() -> None:
    counts = [1_000, 1_900, 900, 1_700, 1_100, 1_500, 800, 1_600, 950, 1_800]
    history = {FIRST + timedelta(days=n): DayState(FIRST + timedelta(days=n), counts[n * 7 % 10]) for n in range(29)}
    last = max(history)
    history[last] = DayState(last, 600)
    assert verdict(history, last) == []


def test_a_day_that_is_short_of_everything_does_not_miss_each_small_value_too() -> None:
    history = shop_days(1)
    values = {"view_item": 60}
    history[LAST] = changed(replace(history[LAST], rows=60, on_time=60), "event_type", values=values)
    assert found(judged((ValueVanished("event_type"),), EVENTS, LAST, {EVENTS: history})) == []


def test_a_weekly_rhythm_is_no_anomaly() -> None:
    counts = {FIRST + timedelta(days=n): (10_000 if (FIRST + timedelta(days=n)).weekday() < 5 else 500) for n in range(42)}
    history = {day: DayState(day, rows) for day, rows in counts.items()}
    assert [anomaly for day in history for anomaly in verdict(history, day)] == []
    saturday = next(day for day in sorted(history, reverse=True) if day.weekday() == 5)
    history[saturday] = DayState(saturday, 10_000)
    assert found(verdict(history, saturday)) == [("volume", "", "warning")]


def test_a_season_that_lifts_the_week_before_too_is_no_anomaly() -> None:
    history = shop_days(1, days=49)
    last = max(history)
    lifted = {day: replace(state, rows=state.rows * 4, on_time=state.timely * 4) for day, state in history.items()}
    sudden = {**history, last: lifted[last]}
    assert found(judged((Volume(),), EVENTS, last, {EVENTS: sudden})) == [("volume", "", "warning")]
    season = {day: lifted[day] if day > last - timedelta(days=7) else state for day, state in history.items()}
    assert found(judged((Volume(),), EVENTS, last, {EVENTS: season})) == []


def test_later_days_make_no_difference_to_a_verdict() -> None:
    history = shop_days(6)
    day = LAST - timedelta(days=5)
    history[day] = replace(history[day], rows=2_000, on_time=2_000, columns={})
    known = {one: state for one, state in history.items() if one <= day}
    assert verdict(history, day) == verdict(known, day) != []


def test_a_finding_says_what_it_was_compared_with() -> None:
    history = shop_days(1)
    history[LAST] = replace(history[LAST], rows=600, on_time=600, columns={})
    (anomaly,) = verdict(history)
    assert anomaly.sentence.startswith("silver.events on Thursday 2026-06-11: 600 rows, 0.1")
    assert "the 4 Thursdays before (" in anomaly.sentence
    assert '"2026-06-04"' in anomaly.history


def test_columns_without_a_state_are_passed_over() -> None:
    history = {day: replace(state, columns={}) for day, state in shop_days(1).items()}
    history[LAST] = replace(history[LAST], columns={"event_type": ColumnState(values={"view_item": 5})})
    assert verdict(history) == []
