"""The files parse, hold exactly the DAGs that we know, and ask nobody anything while they are parsed."""

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import BundleDagBag

PARSE = """
import json, sys
from pathlib import Path
calls = []
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.sdk import Connection, Variable
def audit(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "sqlite3.connect", "subprocess.Popen"}:
        calls.append(f"{event} {arguments!r}")
sys.addaudithook(audit)
for asked in (Variable, Connection):
    asked.get = classmethod(lambda cls, *names, **_: calls.append(f"{cls.__name__}.get{names}"))
folder = Path(sys.argv[1])
bag = BundleDagBag(dag_folder=str(folder), bundle_path=folder, bundle_name="dags-folder")
print(json.dumps({"dags": sorted(bag.dags), "errors": bag.import_errors, "calls": calls}))
"""


def parsed(folder: str, **environ: str) -> dict[str, object]:
    """What a fresh process finds that has no database."""
    nowhere = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////nowhere/at/all/airflow.db", **environ}
    run = subprocess.run([sys.executable, "-c", PARSE, folder], capture_output=True, text=True, env=os.environ | nowhere, check=True)
    answer: dict[str, object] = json.loads(run.stdout.splitlines()[-1])
    return answer


def test_the_folder_holds_exactly_these_dags(bag: "BundleDagBag") -> None:
    assert bag.import_errors == {}
    assert bag.captured_warnings == {}
    weekly = {"train_recommender_weekly", "train_segments_weekly", "maintain_weekly"}
    assert set(bag.dags) == {"refine_daily", "release_daily", "load_history", *weekly}


def test_parsing_needs_no_database_no_variable_and_no_network(bag: "BundleDagBag") -> None:
    answer = parsed(str(bag.dag_folder))
    assert answer["errors"] == {}
    assert answer["dags"] == sorted(bag.dags)
    assert answer["calls"] == []


def test_the_probe_sees_a_variable_that_is_read_while_parsing(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("dags")
    bad = "from airflow.sdk import DAG, Variable\nVariable.get('x')\nDAG(dag_id='bad', schedule=None)\n"
    (folder / "bad.py").write_text(bad, encoding="utf-8")
    assert parsed(str(folder))["calls"] == ["Variable.get('x',)"]


def test_a_misspelt_setting_is_an_import_error_that_names_it(bag: "BundleDagBag") -> None:
    errors = parsed(str(bag.dag_folder), TRADEWIND_DAGS_CORN="off")["errors"]
    assert "TRADEWIND_DAGS_CORN is not a setting of the DAGs" in str(errors)
