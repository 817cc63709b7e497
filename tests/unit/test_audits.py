"""Audits run one after the other beside the build; the first that fails speaks, and what comes after it is left out."""

import threading
from collections.abc import Callable

import pytest

from jobs.audits import Audits
from jobs.errors import AuditError, BadDataError

WAIT = 30.0


def refusal(subject: str) -> AuditError:
    return AuditError(subject, expected="rows", found="none", advice="Look.")


def failing(error: Exception) -> Callable[[], None]:
    def audit() -> None:
        raise error

    return audit


def held_until(gate: threading.Event, then: Callable[[], None]) -> Callable[[], None]:
    """An audit that takes until the gate opens."""

    def audit() -> None:
        assert gate.wait(WAIT)
        then()

    return audit


def test_audits_run_in_order_one_at_a_time_and_beside_who_began_them() -> None:
    gate, done = threading.Event(), list[int]()
    with Audits() as audits:
        audits.begin(held_until(gate, lambda: done.append(1)))
        audits.begin(lambda: done.append(2))
        audits.check()
        assert done == []
        gate.set()
        audits.wait()
        assert done == [1, 2]


def test_leaving_waits_for_what_was_begun() -> None:
    gate, done = threading.Event(), list[int]()
    with Audits() as audits:
        audits.begin(held_until(gate, lambda: done.append(1)))
        gate.set()
    assert done == [1]


def attempt(build: Callable[[Audits], None]) -> None:
    """An attempt that builds by ``build`` and waits for its audits."""
    with Audits() as audits:
        build(audits)
        audits.wait()


def test_the_first_audit_that_failed_is_raised_and_those_after_it_are_left_out() -> None:
    done = list[int]()

    def build(audits: Audits) -> None:
        audits.begin(failing(refusal("silver.first")))
        audits.begin(failing(refusal("silver.second")))
        audits.begin(lambda: done.append(3))

    with pytest.raises(AuditError, match="first"):
        attempt(build)
    assert done == []


def test_a_failed_audit_stops_the_build_at_its_next_table() -> None:
    begun = list[str]()

    def build(audits: Audits) -> None:
        for name in ("first", "second", "third"):
            audits.check()
            begun.append(name)
            gone = threading.Event()
            audits.begin(failing(refusal("silver.first")))
            audits.begin(gone.set)
            assert not gone.wait(0.05)

    with pytest.raises(AuditError, match="first"):
        attempt(build)
    assert begun == ["first"]


def fails_at_the_second(audits: Audits) -> None:
    audits.check()
    raise BadDataError("silver.second", expected="rows", found="none", advice="Look.")


def test_an_audit_that_fails_speaks_before_the_error_of_a_later_table() -> None:
    gate = threading.Event()

    def build(audits: Audits) -> None:
        audits.begin(held_until(gate, failing(refusal("silver.first"))))
        threading.Timer(0.1, gate.set).start()
        fails_at_the_second(audits)

    with pytest.raises(AuditError, match="first"):
        attempt(build)


def test_an_error_of_the_build_goes_on_when_every_audit_has_passed() -> None:
    done = list[int]()

    def build(audits: Audits) -> None:
        audits.begin(lambda: done.append(1))
        fails_at_the_second(audits)

    with pytest.raises(BadDataError, match="second"):
        attempt(build)
    assert done == [1]
