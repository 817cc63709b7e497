"""Whether a service of Airflow is healthy, by what the API server knows of its heartbeat. Standard library only.

``airflow jobs check`` asks the same of the database, and loads all of Airflow each time, which takes seconds of a core.
"""

import json
import sys
import urllib.request

ADDRESS = "http://airflow-api-server:8080/api/v2/monitor/health"


def status(answer: bytes, service: str) -> str:
    """The status of ``scheduler``, ``dag_processor``, ``triggerer`` or ``metadatabase``; empty where the answer does not tell.

    >>> status(b'{"scheduler": {"status": "healthy"}}', "scheduler")
    'healthy'
    """
    found = json.loads(answer).get(service) or {}
    return str(found.get("status") or "")


def main() -> None:
    """Exit 0 when the service that is named is healthy."""
    service = sys.argv[1]
    with urllib.request.urlopen(sys.argv[2] if len(sys.argv) > 2 else ADDRESS, timeout=8) as answer:  # noqa: S310  (an address of ours)  # nosec B310
        raise SystemExit(0 if status(answer.read(), service) == "healthy" else 1)


if __name__ == "__main__":
    main()
