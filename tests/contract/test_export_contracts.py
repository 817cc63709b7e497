"""What readers of an export were promised holds for as long as its version stands."""

import json
from pathlib import Path

import pytest

from jobs.catalog import EXPORTS
from jobs.export.__main__ import contract_path
from jobs.export.exports import Export, exports
from jobs.export.schema import breaking_changes, schema_document

FOLDER = Path(__file__).resolve().parents[2] / "docs/contracts"


def test_the_catalog_and_the_declared_exports_agree() -> None:
    assert tuple(export.name for export in exports()) == EXPORTS


@pytest.mark.parametrize("export", exports(), ids=lambda export: export.name)
def test_an_export_keeps_what_its_version_promised(export: Export) -> None:
    path = contract_path(export, FOLDER)
    assert path.exists(), f"{export.name} v{export.version} was never promised: run `python -m jobs.export freeze`"
    promised, actual = json.loads(path.read_text(encoding="utf-8")), schema_document(export)
    broken = breaking_changes(promised, actual)
    assert not broken, (
        f"{export.name} v{export.version}: {'; '.join(broken)}. "
        f"Either restore {export.table.name}, or raise the version of {export.name} in jobs/export/exports.py "
        "and run `python -m jobs.export freeze`, which writes the new version beside the old."
    )
    assert promised == actual, f"{export.name} v{export.version} has grown or been reworded: run `python -m jobs.export freeze`"
