"""Airflow's database: brought to this version, with the pools of the DAGs and a user for each role. Runs in Airflow's Python."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from jobs.catalog import POOLS
from stack.images.given import secrets

USERS = {
    "admin": ("Admin", "AIRFLOW_ADMIN_PASSWORD"),
    "operator": ("Op", "AIRFLOW_OPERATOR_PASSWORD"),
    "viewer": ("Viewer", "AIRFLOW_VIEWER_PASSWORD"),
}
"""Each with its role of Flask AppBuilder and the variable of its password: an operator starts and repeats runs, a viewer only looks."""


def pools() -> str:
    """The pools of the catalog, as ``airflow pools import`` reads them."""
    return json.dumps({pool.name: {"slots": pool.slots, "description": pool.doc, "include_deferred": False} for pool in POOLS})


def make_users(manager: Any, given: Mapping[str, str]) -> None:
    """Make each user, or set its password; ``manager`` is Flask AppBuilder's security manager."""
    for name, (role, variable) in USERS.items():
        user = manager.find_user(username=name)
        if user is None:
            manager.add_user(name, name, "Tradewind", f"{name}@tradewind.invalid", manager.find_role(role), given[variable])
        else:
            manager.reset_password(user.id, given[variable])


def main() -> None:
    """Migrate, then pools, then users: by Airflow's own code, since its command line would show passwords to everybody on the machine."""
    given = secrets([variable for _, variable in USERS.values()])
    subprocess.run(["airflow", "db", "migrate"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pools.json"
        file.write_text(pools(), encoding="utf-8")
        subprocess.run(["airflow", "pools", "import", str(file)], check=True, env=os.environ)
    configured = import_module("airflow.utils.providers_configuration_loader").providers_configuration_loaded
    application = import_module("airflow.providers.fab.auth_manager.cli_commands.utils").get_application_builder

    def make() -> None:
        with application() as builder:
            make_users(builder.sm, given)

    configured(make)()
    print(f"Airflow knows {', '.join(USERS)}")


if __name__ == "__main__":
    main()
