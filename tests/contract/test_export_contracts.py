"""What readers of an export were promised holds for as long as its version stands."""

from pathlib import Path

import pytest

from jobs.catalog import EXPORTS
from jobs.export.__main__ import check
from jobs.export.exports import Export, exports

FOLDER = Path(__file__).resolve().parents[2] / "docs/contracts"


def test_the_catalog_and_the_declared_exports_agree() -> None:
    assert tuple(export.name for export in exports()) == EXPORTS


@pytest.mark.parametrize("export", exports(), ids=lambda export: export.name)
def test_an_export_keeps_what_its_version_promised(export: Export) -> None:
    check(export, FOLDER)
