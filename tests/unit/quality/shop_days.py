"""Days of a made-up shop as the rules see them: a weekly rhythm, chance, some reasons to vary; a test changes one day."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from jobs.quality.day_state import ColumnState, DayState

FIRST = date(2026, 5, 1)
RHYTHM = (0.92, 0.86, 0.88, 0.94, 1.04, 1.22, 1.14)
TYPES = {"view_item": 0.72, "add_to_cart": 0.16, "search": 0.09, "purchase": 0.03}


def shop_days(seed: int, days: int = 42, events: int = 6_000) -> dict[date, DayState]:
    """``days`` days of events; every figure varies by chance around what the shop is like."""
    rng = np.random.default_rng(seed)
    history = {}
    for number in range(days):
        day = FIRST + timedelta(days=number)
        rows = int(rng.poisson(events * RHYTHM[day.weekday()] * rng.lognormal(0, 0.05)))
        late = int(rng.binomial(rows, 0.015))
        priced = rows - int(rng.binomial(rows, 0.10))
        values = dict(zip(TYPES, map(int, rng.multinomial(rows, list(TYPES.values()))), strict=True))
        visitors = int(rows / rng.normal(6.0, 0.15))
        history[day] = DayState(
            day,
            rows,
            rows - late,
            {
                "user_id": ColumnState(nulls=int(rng.binomial(rows, 0.2))),
                "unit_price_minor": ColumnState(nulls=rows - priced, total=priced * float(rng.lognormal(7.5, 0.04))),
                "event_type": ColumnState(values=values),
                "visitor_id": ColumnState(distinct=visitors, top=int(rng.poisson(rows * 0.012))),
            },
        )
    return history


def changed(state: DayState, column: str, **changes: object) -> DayState:
    """The day with one column's state changed."""
    return replace(state, columns={**state.columns, column: replace(state.columns[column], **changes)})  # type: ignore[arg-type]
