"""One task of the catalog as one ``spark-submit`` of ``bin/spark_entry.py``."""

import itertools
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.apache.spark.hooks.spark_submit import SparkSubmitHook
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import Asset, BaseOperator, BaseOperatorLink, Context
from airflow.sdk.exceptions import AirflowException

from jobs.catalog import Task
from orchestration.alerts import explain_success, explain_wait
from orchestration.failures import BadDataError, JobError, JobFailure, NotYetError

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey
    from pydantic import JsonValue

ENTRY = "bin/spark_entry.py"
EXIT_BAD_DATA = 65
EXIT_TRY_AGAIN = 75

SPARK_SUBMIT_VARIABLE = "TWSTACK_SPARK_SUBMIT"
JOBS_PYTHON_VARIABLE = "TWSTACK_JOBS_PYTHON"
HOME_VARIABLE = "TWSTACK_HOME"

DAY = "{{ partition_key or dag_run.conf['day'] }}"
"""The landing day of a run: its partition key; a run started by hand without either fails at once."""
DAY_AFTER = "{{ macros.ds_add(partition_key or dag_run.conf['day'], 1) }}"
MODELS = "{{ (dag_run.conf or {}).get('models', 'recorded') }}"
"""Which models score a day again: those that its release recorded, unless the run's configuration says ``champion``."""
TRAINING_DAY = "{{ params.day or macros.ds_add(ds, -1) }}"
"""The day whose set a training reads: the one that is given, else the day before the schedule's date."""
TRAINING_DAY_AFTER = "{{ macros.ds_add(params.day, 1) if params.day else ds }}"

RUN_DAY = "{{ dag_run.run_after | ds }}"
"""The UTC day on which a run may start: for work that is of no landing day, whichever way the run was started."""
RUN_DAY_AFTER = "{{ macros.ds_add(dag_run.run_after | ds, 1) }}"
DRY_RUN = "{{ '--dry-run' if params.dry_run else '--no-dry-run' }}"


def job_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a job inherits: everything but Airflow's own variables, which name the scheduler's database and keys.

    >>> job_environment({"AIRFLOW__CORE__FERNET_KEY": "x", "TRADEWIND_DAGS_CRON": "off", "HOME": "/root", "TWSTACK_JOBS_PYTHON": "/py"})
    {'HOME': '/root', 'PYSPARK_PYTHON': '/py', 'PYSPARK_DRIVER_PYTHON': '/py'}
    >>> job_environment({"__AIRFLOW_SUPERVISOR_FD": "11", "_AIRFLOW__AS_LIBRARY": "1"})  # another one in every task
    {}
    """
    others = ("AIRFLOW", "TRADEWIND_DAGS_", "TWSTACK_")
    kept = {name: value for name, value in environ.items() if not name.lstrip("_").startswith(others)}
    if python := environ.get(JOBS_PYTHON_VARIABLE):
        kept |= {"PYSPARK_PYTHON": python, "PYSPARK_DRIVER_PYTHON": python}
    return kept


class JobHook(SparkSubmitHook):
    """The provider's hook, with a child environment of our choice."""

    def submit(self, application: str = "", **kwargs: object) -> str | None:
        """Run ``spark-submit`` and wait; raises AirflowException when it does not exit with 0."""
        return super().submit(application, env=job_environment(os.environ), **kwargs)

    @property
    def returncode(self) -> int | None:
        """Exit code of ``spark-submit``, which in client mode is the driver's; None before it has ended."""
        return None if self._submit_sp is None else self._submit_sp.returncode


class PageLink(BaseOperatorLink):
    """A button on a task that leads to the page which it has drawn; ``made_by`` is the part of the job's result that names the page."""

    made_by: str

    def get_link(self, operator: BaseOperator, *, ti_key: "TaskInstanceKey") -> str:  # noqa: ARG002  (a link of one attempt)
        """The address in the job's result; empty, which shows no button, where no server has it. Asked once, when the attempt has ended."""
        result = getattr(operator, "result", None)
        made = result.get(self.made_by) if isinstance(result, dict) else None
        page = made.get("page") if isinstance(made, dict) else None
        return page if isinstance(page, str) and page.startswith(("http://", "https://")) else ""


class QualityPage(PageLink):
    """The pages of data quality."""

    name = "Quality page"
    xcom_key = "quality_page"
    made_by = "ops.pages"


class ReleaseReport(PageLink):
    """The report of the release that the task has committed."""

    name = "Report of the release"
    xcom_key = "release_report"
    made_by = "ops.releases"


PAGES = (QualityPage, ReleaseReport)


class SubmitOperator(SparkSubmitOperator):
    """Submit the tables of one task over the landing days ``start <= day < end``; the XCom is the job's small JSON result.

    Exit 65 (bad data) fails at once, 75 (not yet) waits, anything else is retried: see ``orchestration.retries``. A job that fails leaves
    its reason in the result file, which becomes the exception's message. Where ``spark-submit`` and the jobs lie is read from the
    environment when the task runs, so that parsing a DAG needs neither.
    """

    def __init__(self, *, task: Task, start: str, end: str, options: Iterable[str] = (), **kwargs: Any) -> None:
        names = list(task.tables)
        interval = ["--start", start, "--end", end, "--run-id", "{{ run_id }}", "--attempt", "{{ ti.try_number }}", *options]
        super().__init__(
            task_id=task.name,
            application=ENTRY,
            application_args=[*names, *interval],
            name="{{ ti.dag_id }}." + task.name,
            pool=task.pool,
            doc_md=f"{task.doc}\n\nBuilds: {', '.join(names)}.",
            **kwargs,
        )
        self.result: JsonValue = None
        self.operator_extra_links = tuple(link() for link in PAGES if link.made_by in names)

    def _get_hook(self) -> JobHook:
        return JobHook(
            conn_id=self._conn_id,
            conf=self.conf,
            name=self.name,
            application_args=self.application_args,
            spark_binary=os.environ.get(SPARK_SUBMIT_VARIABLE, "spark-submit"),
        )

    def execute(self, context: Context) -> "JsonValue":  # type: ignore[override]  # the parent returns nothing
        """Submit, wait, and return what the job wrote to its result file; None when it wrote nothing."""
        home = Path(os.environ.get(HOME_VARIABLE) or Path(__file__).parents[2])
        with tempfile.TemporaryDirectory(prefix="tradewind-") as folder:
            file = Path(folder) / "result.json"
            self.application = str(home / ENTRY)
            self.application_args = [*(self.application_args or []), "--result", str(file)]
            hook = self._hook = self._get_hook()
            try:
                super().execute(context)
            except AirflowException as error:
                failure = JobFailure.from_result(_read(file))
                raised = _exception(hook.returncode, failure, error)
                if isinstance(raised, NotYetError):
                    explain_wait(context, failure)
                raise raised from error
            self.result = _read(file)
        explain_success(context, self.result)
        return self.result


def _read(file: Path) -> "JsonValue":
    """What the job wrote; None when it wrote nothing, or was killed while it wrote."""
    try:
        return cast("JsonValue", json.loads(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def _exception(exit_code: int | None, failure: JobFailure | None, error: AirflowException) -> AirflowException:
    """What Airflow hears: the kind is the exit code's, the words are the job's own, or the hook's where the job left none."""
    words = str(failure) if failure else str(error)
    if exit_code == EXIT_BAD_DATA:
        return BadDataError(f"Bad data: it will be wrong on the next attempt too, so there is none. {words}", failure)
    return NotYetError(words, failure) if exit_code == EXIT_TRY_AGAIN else JobError(words, failure)


def submit_in_order(
    tasks: Iterable[Task], *, start: str, end: str, options: Iterable[str] = (), outlet: Asset | None = None
) -> list[SubmitOperator]:
    """One operator a task, each after the one before, all with the same ``options``; the last one updates ``outlet``."""
    operators = [SubmitOperator(task=task, start=start, end=end, options=options) for task in tasks]
    for before, after in itertools.pairwise(operators):
        before >> after
    if outlet is not None:
        operators[-1].outlets.append(outlet)
    return operators
