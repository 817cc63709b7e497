"""Claims about where time is cut."""

from datetime import date, timedelta

import pytest

from jobs.recommender.cut import cut

LAST = date(2026, 6, 30)


@pytest.mark.parametrize(("days", "train", "held_out"), [(3, 1, 1), (4, 2, 1), (5, 3, 1), (12, 8, 2), (35, 21, 7), (180, 166, 7)])
def test_the_windows_adjoin_cover_the_history_and_end_with_its_last_day(days: int, train: int, held_out: int) -> None:
    found = cut(LAST - timedelta(days=days - 1), LAST)
    assert found is not None
    lengths = [(part.end - part.start).days for part in (found.train, found.validation, found.test)]
    assert lengths == [train, held_out, held_out]
    assert (found.train.end, found.validation.end) == (found.validation.start, found.test.start)
    assert found.test.last_day == LAST


@pytest.mark.parametrize("days", [1, 2])
def test_a_history_that_is_too_short_is_not_cut(days: int) -> None:
    assert cut(LAST - timedelta(days=days - 1), LAST) is None
