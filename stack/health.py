"""Waiting for services to be healthy: asked again and again, with progress, until all are, one dies, or the time is up."""

import time
from collections.abc import Callable, Mapping

from stack.errors import StackError
from stack.supervision import Supervisor

Ailment = Callable[[], str | None]
"""Why a service is not healthy, or None when it is."""

DEAD = {"FATAL", "EXITED", "UNKNOWN"}
TOLERATED_RESTARTS = 2
POLL_SECONDS = 0.5
PROGRESS_SECONDS = 15


def await_healthy(
    supervisor: Supervisor, ailments: Mapping[str, Ailment], *, timeout_seconds: float, report: Callable[[str], None]
) -> None:
    """Return when every service is healthy; raises ``StackError`` with the last log lines of one that dies or takes too long."""
    began = spoken = time.monotonic()
    waiting = dict(ailments)
    pids: dict[str, set[int]] = {name: set() for name in ailments}
    while waiting:
        states = supervisor.states()
        for name, ailment in list(waiting.items()):
            state = states.get(name)
            if state and state.pid:
                pids[name].add(state.pid)
            if state is None or state.state in DEAD or len(pids[name]) > TOLERATED_RESTARTS:
                _fail(supervisor, name, "died while starting")
            elif state.state == "RUNNING" and ailment() is None:
                del waiting[name]
                report(f"{name} is healthy ({time.monotonic() - began:.0f} s)")
        if waiting and time.monotonic() - began > timeout_seconds:
            name, ailment = next(iter(waiting.items()))
            _fail(
                supervisor,
                name,
                f"is not healthy after {timeout_seconds:.0f} s ({ailment() or 'healthy just now'}; TWSTACK_START_TIMEOUT_SECONDS)",
            )
        if waiting and time.monotonic() - spoken > PROGRESS_SECONDS:
            spoken = time.monotonic()
            report(f"waiting for {', '.join(waiting)} ({spoken - began:.0f} s)")
        if waiting:
            time.sleep(POLL_SECONDS)


def _fail(supervisor: Supervisor, name: str, what: str) -> None:
    raise StackError(
        f"{name} {what}. The end of its log:\n{supervisor.last_lines(name)}\n", advice=f"The whole log: {supervisor.logs / f'{name}.log'}"
    )
