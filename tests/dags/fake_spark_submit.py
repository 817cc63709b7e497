#!/usr/bin/env python3
"""Stands in for ``spark-submit``: notes how it was called, exits with the next planned code, and writes a result when that is 0."""

import json
import os
import sys
from pathlib import Path


def main(argv: list[str]) -> int:
    """Take one code off ``codes`` (0 when there is none left)."""
    folder = Path(os.environ["FAKE_SPARK_SUBMIT_FOLDER"])
    with (folder / "calls.jsonl").open("a", encoding="utf-8") as calls:
        calls.write(json.dumps({"argv": argv, "environ": dict(os.environ)}) + "\n")
    plan = folder / "codes"
    codes = plan.read_text(encoding="utf-8").split() if plan.exists() else []
    plan.write_text(" ".join(codes[1:]), encoding="utf-8")
    code = int(codes[0]) if codes else 0
    if code == 0:
        result = Path(argv[argv.index("--result") + 1])
        made: dict[str, object] = {"tables": {"silver.events": {"read": 3, "kept": 3}}}
        if "ops.pages" in argv:
            made["ops.pages"] = {"page": "http://127.0.0.1:28081/quality/index.html"}
        result.write_text(json.dumps(made), encoding="utf-8")
    else:
        sys.stdout.write("jobs.errors.AuditError: silver.events: expected no NULL; found 3. Mend the input.\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
