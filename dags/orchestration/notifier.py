"""The one way by which alerts leave: the log always, e-mail and a webhook where they are configured.

A channel that fails is logged and changes nothing else: the others still get the alert, the task keeps its state. All channels work at the
same time and have ``TRADEWIND_DAGS_ALERT_SECONDS`` together. Logins lie in Airflow's connections, so that no setting, command line or
log holds one; what a channel's error says is not logged either, because the errors of HTTP clients quote the address.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from orchestration.messages import Alert
from orchestration.settings import SETTINGS, DagSettings

log = logging.getLogger(__name__)

Channel = Callable[[Alert], None]
LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO}


def notify(alert: Alert) -> None:
    """Log the alert and hand it to every configured channel; raises nothing that a channel raises."""
    settings = SETTINGS
    log.log(LEVELS[alert.severity], "%s", alert.as_text())
    outcomes: dict[str, str] = {}
    # Daemons: a mail server that never answers must not keep the task's process from ending.
    senders = {
        name: threading.Thread(target=_deliver, args=(name, channel, alert, outcomes), daemon=True)
        for name, channel in channels(settings).items()
    }
    for sender in senders.values():
        sender.start()
    until = time.monotonic() + settings.alert_seconds
    for sender in senders.values():
        sender.join(max(0.0, until - time.monotonic()))
    for name in senders:
        outcome = outcomes.get(name, f"no answer within {settings.alert_seconds} s")
        if outcome:
            log.error("The alert above did not go out by %s: %s. docs/alerts.md says how a channel is configured and tried.", name, outcome)


def channels(settings: DagSettings) -> Mapping[str, Channel]:
    """The configured channels beside the log, by name."""
    configured: dict[str, Channel] = {}
    if settings.alert_email_to:
        configured["email"] = lambda alert: _email(alert, settings)
    if settings.alert_webhook_connection:
        configured["webhook"] = lambda alert: _webhook(alert, settings)
    return configured


def _deliver(name: str, channel: Channel, alert: Alert, outcomes: dict[str, str]) -> None:
    try:
        channel(alert)
    except Exception as error:  # noqa: BLE001  (whatever a channel raises, the task and the other channels go on)
        outcomes[name] = _cause(error)
    else:
        outcomes[name] = ""


def _cause(error: Exception) -> str:
    """What went wrong, in words that cannot hold an address or a password."""
    if isinstance(error, AirflowNotFoundException):
        return "Airflow has no connection of that name"
    if isinstance(error, httpx.HTTPStatusError):
        return f"answered {error.response.status_code}"
    return type(error).__name__


def _email(alert: Alert, settings: DagSettings) -> None:
    from airflow.providers.smtp.hooks.smtp import SmtpHook  # noqa: PLC0415  (parsing a DAG file needs no mail)

    Connection.get(settings.alert_email_connection)  # the hook would call a missing one by no name
    with SmtpHook(settings.alert_email_connection) as server:
        server.send_email_smtp(to=list(settings.alert_email_to), subject=f"[{alert.severity}] {alert.title}", html_content=alert.as_html())


def _webhook(alert: Alert, settings: DagSettings) -> None:
    connection: Any = Connection.get(settings.alert_webhook_connection)
    httpx.post(connection.password or "", json=alert.as_slack(), timeout=settings.alert_seconds).raise_for_status()
