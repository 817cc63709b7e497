"""How many rejected rows are too many. Pure arithmetic."""

from collections import Counter

import pytest

from jobs.counts import Counts, check_share
from jobs.errors import RejectShareError


def counts(read: int, rejected: int) -> Counts:
    return Counts(read=read, kept=read - rejected, rejected=rejected, merged=0, reasons=Counter(unreadable=rejected))


@pytest.mark.parametrize(("read", "rejected"), [(0, 0), (16, 1), (2, 1), (40, 2), (1_000, 50)])
def test_as_many_as_usual_and_a_single_row_stop_nothing(read: int, rejected: int) -> None:
    check_share("silver.events", counts(read, rejected), 0.05)


@pytest.mark.parametrize(("read", "rejected"), [(1, 1), (2, 2), (20, 2), (1_000, 51)])
def test_more_than_the_share_and_all_of_them_stop_the_day(read: int, rejected: int) -> None:
    with pytest.raises(RejectShareError, match=rf"silver\.events: .*found {rejected} of {read} .*unreadable {rejected}"):
        check_share("silver.events", counts(read, rejected), 0.05)
