"""Who is told what and how often, by a mail server and a webhook on this machine that take what is sent."""

import ast
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from airflow.sdk.execution_time.callback_supervisor import execute_callback

from jobs.catalog import REFINE
from orchestration import alerts, messages, notifier, operator
from orchestration.failures import JobFailure, failure_of
from orchestration.settings import SETTINGS, DagSettings
from tests.dags.sinks import Received, mail_server, webhook

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import BundleDagBag

CHECKOUT = Path(__file__).parents[2]
TOKEN = "T0/B0/very-secret-token"
ERROR = {
    "type": "AuditError",
    "subject": "silver.events",
    "expected": "no <NULL> & no doubt",
    "found": "3",
    "advice": "Mend the input and run the day again.",
}
ALERT = messages.Alert(
    kind=messages.Kind.FAILED,
    dag="refine_daily",
    task="silver",
    tables=("silver.events",),
    day="2026-01-06",
    run="scheduled__2026-01-06",
    attempt=1,
    expected="no <NULL> & no doubt",
    found="3",
    advice="Mend the input.",
    runbook="docs/runbook.md#auditerror",
    airflow="http://airflow.example/dags/refine_daily/runs/scheduled__2026-01-06/tasks/silver?try_number=1",
    error="AuditError",
)

Configure = Callable[..., None]


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Set the scheduler's settings for one test, in both modules that read them."""

    def configured(**values: Any) -> None:
        for module in (alerts, notifier):
            monkeypatch.setattr(module, "SETTINGS", replace(SETTINGS, **values))

    return configured


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    """A mail server, and Airflow's connection to it."""
    with mail_server() as received:
        extra = {"from_email": "tradewind@shop.example", "disable_tls": True, "disable_ssl": True}
        connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": received.port, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
        yield received


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    """A webhook's host, and Airflow's connection that holds its address."""
    with webhook() as received:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("AIRFLOW_CONN_HOOK", json.dumps({"conn_type": "http", "password": f"http://127.0.0.1:{received.port}/{TOKEN}"}))
        yield received


def run(bag: "BundleDagBag", name: str, day: str) -> dict[str, str]:
    """Run a DAG to its end: task -> state."""
    ended = bag.dags[name].test(logical_date=None, run_conf={"day": day})
    return {instance.task_id: str(instance.state) for instance in ended.get_task_instances()}


def titles(received: Received) -> list[str]:
    """The first line of each message that came."""
    return [message["text"].splitlines()[0] for message in received.messages]


@pytest.mark.usefixtures("database")
def test_bad_data_is_told_once_with_table_day_what_to_do_and_the_runbooks_entry(
    bag: "BundleDagBag", submitted: Path, hook: Received, mail: Received, configure: Configure
) -> None:
    configure(alert_webhook_connection="hook", alert_email_to=("data@shop.example", "on-call@shop.example"))
    (submitted / "codes").write_text("0 65", encoding="utf-8")
    (submitted / "error.json").write_text(json.dumps({"error": ERROR}), encoding="utf-8")
    assert run(bag, "refine_daily", "2026-02-06") == {"bronze": "success", "silver": "failed", "gold": "upstream_failed"}
    (message,) = hook.messages
    title, *facts = message["text"].splitlines()
    said = dict(fact.split(": ", 1) for fact in facts)
    assert message["path"] == f"/{TOKEN}"
    assert title == "refine_daily.silver has failed: day 2026-02-06, silver.events, AuditError"
    assert (said["Tables"], said["Day"], said["Severity"]) == ("silver.events", "2026-02-06", "error")
    assert (said["Expected"], said["Found"]) == ("no &lt;NULL&gt; &amp; no doubt", "silver.events: 3")
    assert said["What to do"].startswith("Mend the input and run the day again. Until the task has been cleared")
    assert said["Runbook"] == "docs/runbook.md#auditerror"
    assert re.fullmatch(r"http://localhost:8080/dags/refine_daily/runs/\S+/tasks/silver\?try_number=1", said["Airflow"])
    (sent,) = mail.mails
    assert (sent["Subject"], sent["From"]) == (f"[error] {title}", "tradewind@shop.example")
    assert sent["To"] == "data@shop.example, on-call@shop.example"
    body = sent.get_body(("html",))
    assert body is not None
    assert "no &lt;NULL&gt; &amp; no doubt" in body.get_content()
    assert "docs/runbook.md#auditerror" in body.get_content()


@pytest.mark.usefixtures("database")
def test_bad_luck_is_told_when_the_last_attempt_has_failed_and_not_before(
    bag: "BundleDagBag", submitted: Path, hook: Received, configure: Configure
) -> None:
    configure(alert_webhook_connection="hook")
    (submitted / "codes").write_text("137 137 137 0 137 137 137 137", encoding="utf-8")
    assert run(bag, "train_segments_weekly", "2026-02-07") == {"train_segments": "success"}
    assert hook.messages == []
    assert run(bag, "train_segments_weekly", "2026-02-08") == {"train_segments": "failed"}
    assert titles(hook) == ["train_segments_weekly.train_segments has failed: day 2026-02-08, model.segments"]
    assert "Error code is: 137" in hook.messages[0]["text"]
    assert "docs/runbook.md#no-message" in hook.messages[0]["text"]


@pytest.mark.usefixtures("database")
def test_a_wait_that_lasts_too_long_is_told_once_and_its_end_too(
    bag: "BundleDagBag", submitted: Path, hook: Received, configure: Configure
) -> None:
    configure(alert_webhook_connection="hook", deadline_seconds=0)
    (submitted / "codes").write_text("75 75 75 0", encoding="utf-8")
    missing = ERROR | {"type": "NotLandedError", "subject": "feed events of native on 2026-02-09", "found": "none"}
    (submitted / "error.json").write_text(json.dumps({"error": missing}), encoding="utf-8")
    assert run(bag, "train_segments_weekly", "2026-02-09") == {"train_segments": "success"}
    assert titles(hook) == [
        "train_segments_weekly.train_segments is late: day 2026-02-09, model.segments, NotLandedError",
        "train_segments_weekly.train_segments has recovered: day 2026-02-09, model.segments",
    ]
    assert "Found: feed events of native on 2026-02-09: none" in hook.messages[0]["text"]


@pytest.mark.usefixtures("database", "submitted")
def test_a_wait_that_is_short_enough_is_silent(bag: "BundleDagBag", submitted: Path, hook: Received, configure: Configure) -> None:
    configure(alert_webhook_connection="hook")
    (submitted / "codes").write_text("75 75 0", encoding="utf-8")
    assert run(bag, "train_segments_weekly", "2026-02-10") == {"train_segments": "success"}
    assert hook.messages == []


@pytest.mark.usefixtures("database")
def test_warnings_of_a_green_task_are_told_as_an_anomaly(
    bag: "BundleDagBag", submitted: Path, hook: Received, configure: Configure
) -> None:
    configure(alert_webhook_connection="hook", quality_url="https://quality.example/days/{day}.html")
    outcome = {"tables": {"silver.events": {"warnings": ["rows: 12, expected 800 to 1200"]}, "silver.sessions": {"warnings": []}}}
    (submitted / "result.json").write_text(json.dumps(outcome), encoding="utf-8")
    assert run(bag, "train_segments_weekly", "2026-02-11") == {"train_segments": "success"}
    assert titles(hook) == ["train_segments_weekly.train_segments is done, but its data is unusual: day 2026-02-11, silver.events"]
    said = hook.messages[0]["text"]
    assert "Found: silver.events: rows: 12, expected 800 to 1200" in said
    assert "Quality: https://quality.example/days/2026-02-11.html" in said
    assert "Severity: warning" in said


@pytest.mark.usefixtures("database")
def test_a_run_without_a_day_is_told_as_that(bag: "BundleDagBag", hook: Received, configure: Configure) -> None:
    configure(alert_webhook_connection="hook")
    bag.dags["refine_daily"].test(logical_date=None, run_conf={})
    assert "docs/runbook.md#no-day" in hook.messages[0]["text"]


class State(dict[str, Any]):
    """A task's state as Airflow keeps it from attempt to attempt, and over a clear."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value

    def delete(self, key: str) -> None:
        del self[key]


class Instance:
    dag_id, task_id, run_id, try_number = "refine_daily", "silver", "r", 2
    runs = 0

    def get_dr_count(self, dag_id: str, states: list[str]) -> int:
        assert (dag_id, states) == ("refine_daily", ["success"])
        return self.runs


class Run:
    partition_key, conf = "2026-03-01", None


def context(**changed: Any) -> Any:
    """The part of a task's context that alerts look at."""
    dag = type("Dag", (), {"dag_id": "refine_daily", "deadline": ["a deadline"]})()
    return {"ti": Instance(), "dag_run": Run(), "task": None, "dag": dag, "task_state_store": State(), **changed}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[messages.Alert]:
    """The alerts of a test, instead of their delivery."""
    told: list[messages.Alert] = []
    monkeypatch.setattr(alerts, "notify", told.append)
    return told


def test_a_failed_task_that_succeeds_after_a_clear_is_told_to_be_well_again_once(told: list[messages.Alert]) -> None:
    seen = context(exception=RuntimeError("lost"))
    alerts.explain_failure(seen)
    alerts.explain_success(seen, None)
    alerts.explain_success(seen, None)
    assert [(alert.kind, alert.day) for alert in told] == [("failed", "2026-03-01"), ("recovered", "2026-03-01")]


@pytest.mark.parametrize(("runs", "count"), [(0, 1), (1, 0)])
def test_a_wait_speaks_only_where_airflows_deadline_does_not(
    told: list[messages.Alert], configure: Configure, monkeypatch: pytest.MonkeyPatch, runs: int, count: int
) -> None:
    configure(deadline_seconds=0)
    monkeypatch.setattr(Instance, "runs", runs)
    alerts.explain_wait(context(), None)
    assert len(told) == count


def test_a_missed_deadline_is_told_by_the_same_channels(hook: Received, configure: Configure) -> None:
    configure(alert_webhook_connection="hook")
    callback = alerts.deadline("refine_daily", [task.name for task in REFINE]).callback
    run = {"dag_run_id": "scheduled__2026-03-02", "partition_key": "2026-03-02", "conf": None, "state": "running"}
    # As the executor does it, with the context that Airflow 3.3.2 makes for it.
    called = execute_callback(callback.path, {**(callback.kwargs or {}), "context": {"dag_run": run}}, Path(), None, structlog.get_logger())
    assert called == (True, None)
    (message,) = hook.messages
    assert message["text"].splitlines()[0] == "refine_daily is late: day 2026-03-02, 23 tables"
    assert "at most 6 h later than the last ones" in message["text"]
    assert "http://localhost:8080/dags/refine_daily/runs/scheduled__2026-03-02" in message["text"]
    assert "docs/runbook.md#late" in message["text"]


@pytest.mark.parametrize(("state", "told"), [("failed", 0), ("running", 1)])
def test_a_run_that_has_failed_is_not_told_as_late_too_and_one_without_a_day_says_so(
    hook: Received, configure: Configure, state: str, told: int
) -> None:
    configure(alert_webhook_connection="hook")
    run: dict[str, Any] = {"dag_run_id": "manual__1", "partition_key": None, "conf": {}, "state": state}
    alerts.explain_lateness("refine_daily", 60, ["bronze"], {"dag_run": run})
    assert [message["text"].splitlines()[0] for message in hook.messages] == ["refine_daily is late: day unknown, 6 tables"] * told


@pytest.mark.parametrize("status", [404, 500])
def test_a_channel_that_fails_neither_hides_the_alert_nor_gives_away_its_address(
    mail: Received, configure: Configure, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    configure(alert_webhook_connection="hook", alert_email_to=("data@shop.example",))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with webhook(status) as refusing:
        monkeypatch.setenv("AIRFLOW_CONN_HOOK", json.dumps({"conn_type": "http", "password": f"http://127.0.0.1:{refusing.port}/{TOKEN}"}))
        notifier.notify(ALERT)
    notifier.notify(ALERT)  # now nobody listens there
    assert len(mail.mails) == 2
    assert caplog.text.count("refine_daily.silver has failed: day 2026-01-06, silver.events, AuditError") == 2
    assert f"did not go out by webhook: answered {status}" in caplog.text
    assert "did not go out by webhook: ConnectError" in caplog.text
    assert "secret" not in caplog.text


def test_a_connection_that_is_missing_is_named_as_that(configure: Configure, caplog: pytest.LogCaptureFixture) -> None:
    configure(alert_webhook_connection="nowhere", alert_email_to=("data@shop.example",), alert_email_connection="nowhere_else")
    notifier.notify(ALERT)
    for channel in ("email", "webhook"):
        assert f"did not go out by {channel}: Airflow has no connection of that name" in caplog.text


def test_a_channel_that_never_answers_does_not_hold_the_task(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    configure(alert_seconds=0)
    released = threading.Event()
    monkeypatch.setattr(notifier, "channels", lambda _: {"tar pit": lambda _: released.wait()})
    notifier.notify(ALERT)
    released.set()
    assert "did not go out by tar pit: no answer within 0 s" in caplog.text


def test_without_any_setting_an_alert_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    assert notifier.channels(DagSettings.from_environment({})) == {}
    notifier.notify(ALERT)
    assert ALERT.as_text() in caplog.text


def test_a_message_for_slack_keeps_slacks_limits_and_pings_nobody() -> None:
    crowded = replace(ALERT, dag="d" * 400, found="<!channel> & " + "x" * 9_000)
    message = crowded.as_slack()
    header, *sections = message["blocks"]
    assert len(header["text"]["text"]) == 150
    assert max(len(section["text"]["text"]) for section in sections) <= 3_000
    assert "<!channel>" not in json.dumps(message)
    assert len(message["blocks"]) <= 50


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TRADEWIND_DAGS_ALERT_MAIL_TO", "a@shop.example", "TRADEWIND_DAGS_ALERT_MAIL_TO is not a setting of the DAGs"),
        ("TRADEWIND_DAGS_ALERT_EMAIL_TO", "data", "TRADEWIND_DAGS_ALERT_EMAIL_TO is 'data'; expected addresses"),
        ("TRADEWIND_DAGS_ALERT_SECONDS", "soon", "TRADEWIND_DAGS_ALERT_SECONDS is 'soon'; expected a whole number"),
        ("TRADEWIND_DAGS_APPROVAL_DAYS", "0", "TRADEWIND_DAGS_APPROVAL_DAYS is '0'; expected 1 or more"),
        ("TRADEWIND_DAGS_CRON", "yes", "TRADEWIND_DAGS_CRON is 'yes'; expected on or off"),
    ],
)
def test_a_setting_that_is_unknown_or_wrong_is_named(variable: str, value: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        DagSettings.from_environment({variable: value})


def test_an_address_in_the_place_of_a_connections_name_is_refused_without_being_quoted() -> None:
    with pytest.raises(ValueError, match="TRADEWIND_DAGS_ALERT_WEBHOOK_CONNECTION is not the name") as refused:
        DagSettings.from_environment({"TRADEWIND_DAGS_ALERT_WEBHOOK_CONNECTION": f"https://hooks.example/{TOKEN}"})
    assert "secret" not in str(refused.value)


def test_airflows_page_shows_the_jobs_own_words() -> None:
    failure = JobFailure.from_result({"error": ERROR})
    assert failure is not None
    error = operator._exception(65, failure, RuntimeError("Error code is: 65."))  # type: ignore[arg-type]
    assert str(error).endswith("AuditError: silver.events: expected no <NULL> & no doubt; found 3. Mend the input and run the day again.")
    assert failure_of(error) == failure


def anchors() -> set[str]:
    """What a link into the runbook can name: headings, as GitHub and GitLab make anchors of them."""
    headings = re.findall(r"^#+ (.+)$", (CHECKOUT / "docs" / "runbook.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def error_classes() -> list[str]:
    """Every class of ``jobs/errors.py``, by its text: the scheduler's environment has no Spark."""
    module = ast.parse((CHECKOUT / "jobs" / "errors.py").read_text(encoding="utf-8"))
    return [node.name for node in module.body if isinstance(node, ast.ClassDef)]


def test_every_error_of_a_job_has_its_entry_in_the_runbook() -> None:
    assert "AuditError" in error_classes()
    assert {name.lower() for name in error_classes() if name != "TradewindError"} - anchors() == set()


def test_every_alert_links_an_entry_that_is_there() -> None:
    entries = {alerts.NO_MESSAGE, alerts.NO_DAY, alerts.LATE, alerts.ANOMALY, alerts.RECOVERED}
    assert entries - anchors() == set()
