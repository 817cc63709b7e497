"""``python -m jobs.export freeze``: write the schemas of all exports to ``docs/contracts`` for the contract test to hold them to."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from jobs.export.exports import Export, exports
from jobs.export.schema import breaking_changes, schema_document

CONTRACTS = Path("docs/contracts")


def contract_path(export: Export, folder: Path = CONTRACTS) -> Path:
    """The file that holds the frozen schema of an export's version."""
    return folder / f"{export.name}.v{export.version}.json"


def freeze(export: Export, folder: Path = CONTRACTS) -> Path:
    """Write the schema of an export; raises ValueError when a frozen one of the same version promised more."""
    path, actual = contract_path(export, folder), schema_document(export)
    if path.exists() and (broken := breaking_changes(json.loads(path.read_text(encoding="utf-8")), actual)):
        message = f"{path}: {'; '.join(broken)}. Raise the version of {export.name} in jobs/export/exports.py, or restore the columns."
        raise ValueError(message)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(actual, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer the command line."""
    parser = argparse.ArgumentParser(prog="python -m jobs.export", description="Schemas of the exports.")
    parser.add_subparsers(dest="command", required=True).add_parser("freeze", help="write docs/contracts/<export>.v<version>.json")
    parser.parse_args(arguments)
    for export in exports():
        sys.stdout.write(f"{freeze(export)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
