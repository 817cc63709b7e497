"""The schemas that code has promised, as files: ``python -m tests.contract.frozen`` writes them anew after a change that is meant."""

import json
from pathlib import Path
from typing import Any

from jobs.contract import Table
from jobs.tables import contracts

FOLDER = Path(__file__).parent / "schemas"


def document(table: Table) -> dict[str, Any]:
    """What is promised of a table: key, partition, and each column's type, nullability, tolerance and whether it describes the run."""
    columns = {
        column.name: {"type": column.type, "nullable": column.nullable}
        | ({"tolerance": column.tolerance} if column.tolerance is not None else {})
        | ({"is_metadata": True} if column.is_metadata else {})
        for column in table.columns
    }
    return {"table": table.name, "key": list(table.key), "partitioned_by": table.partitioned_by, "columns": columns}


def frozen(name: str, folder: Path = FOLDER) -> dict[str, Any] | None:
    """The promised schema of a table; None when it was never frozen."""
    path = folder / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Every difference in words."""
    old, new = before["columns"], now["columns"]
    found = [f"{name} is gone" for name in old if name not in new]
    found += [f"{name} is new" for name in new if name not in old]
    found += [f"{name} was {old[name]} and is {new[name]}" for name in old if name in new and old[name] != new[name]]
    found += [f"{what} was {before[what]} and is {now[what]}" for what in ("key", "partitioned_by") if before[what] != now[what]]
    return found or (["the order of the columns changed"] if list(old) != list(new) else [])


def freeze(folder: Path = FOLDER) -> int:
    """Write the schema of every table and remove those of tables that are no more; returns how many there are."""
    folder.mkdir(exist_ok=True)
    tables = contracts()
    for path in folder.glob("*.json"):
        if path.stem not in tables:
            path.unlink()
    for name, table in tables.items():
        (folder / f"{name}.json").write_text(json.dumps(document(table), indent=1) + "\n", encoding="utf-8")
    return len(tables)


if __name__ == "__main__":
    print(f"{freeze()} schemas in {FOLDER}")
