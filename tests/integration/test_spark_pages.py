"""Claims about the pages of Spark: whoever may see them finds none of a shop's secrets there, though the driver works with all of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from stack.job_conf import LOG4J
from stack.services import Stack
from tests.secret_hunt import planted, shown_in

pytestmark = pytest.mark.timeout(300)

DRIVER = """
import sys
from jobs.session import spark_session
from jobs.settings import Settings

spark = spark_session(Settings.from_environment(), "pages")
spark.sql("CREATE NAMESPACE lake.pages")
spark.range(3).writeTo("lake.pages.numbers").create()
spark.table("lake.pages.numbers").toArrow()
spark.sql("DROP TABLE lake.pages.numbers PURGE")
spark.sql("DROP NAMESPACE lake.pages")
print(spark.sparkContext.uiWebUrl, flush=True)
sys.stdin.read()
"""

DEFAULTS = ("spark.ui.enabled true", "spark.ui.port 0", "spark.authenticate true", "spark.authenticate.secret marker-of-the-cluster")
PAGES = ("jobs/", "jobs/job/?id=0", "stages/", "storage/", "environment/", "executors/", "executors/threadDump/?executorId=driver", "SQL/")
EXECUTIONS = "sql?details=true&planDescription=true"
ANSWERS = ("environment", "jobs", "stages?details=true", "allexecutors", EXECUTIONS)


def test_no_page_and_no_answer_of_a_driver_holds_a_secret(test_stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "spark-defaults.conf").write_text("".join(f"{line}\n" for line in DEFAULTS), encoding="utf-8")
    (tmp_path / "log4j2.properties").write_text(LOG4J.read_text(encoding="utf-8"), encoding="utf-8")
    environment = test_stack.environment() | {"SPARK_CONF_DIR": str(tmp_path), "SPARK_LOCAL_IP": "127.0.0.1"}
    secrets = planted(test_stack.credentials) | {"secret of the cluster": b"marker-of-the-cluster"}
    driver = subprocess.Popen([sys.executable, "-c", DRIVER], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with driver:
        assert driver.stdout is not None
        address = driver.stdout.readline().strip()
        applications = f"{address}/api/v1/applications"
        application = json.loads(_read(applications))[0]["id"]
        answers = {path: _read(f"{applications}/{application}/{path}") for path in ANSWERS}
        executions = [f"SQL/execution/?id={one['id']}" for one in json.loads(answers[EXECUTIONS])]
        assert executions
        pages = {path: _read(f"{address}/{path}") for path in (*PAGES, *executions)}
    found = pages | answers
    assert {path: shown for path, text in found.items() if (shown := shown_in([text], secrets))} == {}
    told = json.loads(answers["environment"])["sparkProperties"]
    assert ["spark.authenticate.secret", "*********(redacted)"] in told, "the page tells settings, and hides this one"
    assert any(str(value).endswith("/warehouse") for _, value in told)
    assert b"lake.pages.numbers" in answers[EXECUTIONS]


def _read(url: str) -> bytes:
    answer = requests.get(url, timeout=60)
    answer.raise_for_status()
    return answer.content
