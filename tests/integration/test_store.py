"""A task knocks at the object store before it starts anything: what is wrong with a login or bucket is told at once."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from botocore.exceptions import ClientError

from jobs.context import Context
from jobs.errors import LoginError
from jobs.interval import Interval
from jobs.outages import explained
from jobs.settings import Settings
from jobs.store import Store


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"secret_key": "not-the-right-one"}, "TRADEWIND_S3_SECRET_KEY"),
        ({"access_key": "not-the-right-one"}, "TRADEWIND_S3_ACCESS_KEY"),
        ({"bucket": "not-the-right-one"}, "TRADEWIND_BUCKET"),
    ],
)
def test_a_wrong_login_or_bucket_is_told_by_the_first_request(services: Settings, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ClientError) as raised:
        replace(Store.from_settings(services), **wrong).knock()
    error = explained(raised.value)
    assert isinstance(error, LoginError)
    assert said in str(error)


def test_the_right_one_is_let_in(services: Settings) -> None:
    Store.from_settings(services).knock()


def test_nothing_is_started_before_the_object_store_has_answered(services: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.context.spark_session", lambda *_: pytest.fail("Spark was started"))
    closed = services.model_copy(update={"bucket": "not-the-right-one"})
    with pytest.raises(ClientError):
        Context.create(closed, Interval(date(2026, 1, 1), date(2026, 1, 2)), run_id="run", attempt=1)
