"""A training whose candidate waits for a person, where that is configured: train, is there one, ask, promote."""

from typing import TYPE_CHECKING, cast

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.providers.standard.operators.python import ShortCircuitOperator

from jobs.catalog import Task
from orchestration.alerts import TellWhoIsAsked
from orchestration.operator import SubmitOperator, submit_in_order
from orchestration.settings import SETTINGS

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol
    from pydantic import JsonValue

HOLD = "--hold"
"""Option of a training: what passes the gate is registered, and serves once it has been approved."""


def submit_training(training: Task, promotion: Task, *, start: str, end: str, asks_itself: bool = False) -> None:
    """The training alone; with approval, ``training`` held, then a person's answer about what passed the gate, then ``promotion``.

    A training that ``asks_itself`` decides what needs a person, and is never held. When nothing awaits approval, or the answer is no, the
    rest is skipped and the run is a success. Without an answer in time the answer is no.
    """
    if not SETTINGS.approval:
        submit_in_order([training], start=start, end=end)
        return
    train = SubmitOperator(task=training, start=start, end=end, options=() if asks_itself else (HOLD,))
    is_there_a_candidate = ShortCircuitOperator(
        task_id="is_there_a_candidate",
        python_callable=awaits_approval,
        op_kwargs={"training": training.name, "made": training.tables[0]},
        doc_md="Skips the rest when the gate refused, or nothing was trained.",
    )
    approve = ApprovalOperator(
        task_id="approve",
        subject=_said(training, "question"),
        body=_said(training, "report"),
        defaults=ApprovalOperator.REJECT,
        response_timeout=SETTINGS.approval_wait,
        notifiers=[TellWhoIsAsked()],
        doc_md="A person reads the report and answers, on this page or over REST. No answer in time is a no.",
    )
    train >> is_there_a_candidate >> approve >> SubmitOperator(task=promotion, start=start, end=end)


def awaits_approval(training: str, made: str, ti: "RuntimeTaskInstanceProtocol") -> "JsonValue":
    """The version that awaits approval by the result of the task ``training``, which has made ``made``; None when it names none."""
    result = ti.xcom_pull(task_ids=training) or {}
    return cast("JsonValue", result.get(made, {}).get("awaits_approval"))


def _said(training: Task, name: str) -> str:
    """Template: one of the texts in the training's result."""
    return f"{{{{ ti.xcom_pull(task_ids='{training.name}')['{training.tables[0]}']['{name}'] }}}}"
