"""MLflow's users besides its administrator: the jobs, and who looks. Run again it sets their passwords anew."""

import requests

from stack.images.given import refuse, secrets, setting
from stack.images.mlflow_server import ADMIN, ADMIN_PASSWORD

USERS = {"jobs": "MLFLOW_JOBS_PASSWORD", "viewer": "MLFLOW_VIEWER_PASSWORD"}
"""Each with the variable of its password. A user may look at everything and change what it has made."""


def make_users(address: str, given: dict[str, str]) -> None:
    """Make each user, or set its password; raises ``requests.HTTPError`` when the server refuses."""
    admin = requests.Session()
    admin.auth = (ADMIN, given[ADMIN_PASSWORD])
    for user, variable in USERS.items():
        login = {"username": user, "password": given[variable]}
        answer = admin.post(f"{address}/api/2.0/mlflow/users/create", json=login, timeout=30)
        if answer.status_code == requests.codes.bad_request and "RESOURCE_ALREADY_EXISTS" in answer.text:
            answer = admin.patch(f"{address}/api/2.0/mlflow/users/update-password", json=login, timeout=30)
        answer.raise_for_status()


def main() -> None:
    """Make the users of the server at ``MLFLOW_ADDRESS``."""
    given = secrets((ADMIN_PASSWORD, *USERS.values()))
    try:
        make_users(setting("MLFLOW_ADDRESS").rstrip("/"), given)
    except requests.RequestException as error:
        refuse(f"MLflow did not make its users: {error}")
    print(f"MLflow knows {', '.join(USERS)}")


if __name__ == "__main__":
    main()
