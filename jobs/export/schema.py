"""The schema of an export: as Arrow for its files, as JSON for its readers, and what may change in it within one version."""

from typing import Any

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from jobs.export.exports import Export


def arrow_schema(export: Export) -> pa.Schema:
    """The schema of the Parquet files; each column's meaning is its field's metadata ``doc``, the table's promise the schema's."""
    struct = export.table.struct()
    plain = to_arrow_schema(StructType([struct[column.name] for column in export.columns]))
    fields = [
        pa.field(column.name, plain.field(column.name).type, nullable=column.nullable, metadata={"doc": column.doc})
        for column in export.columns
    ]
    return pa.schema(fields, metadata={"doc": export.table.doc})


def schema_document(export: Export) -> dict[str, Any]:
    """The schema as readers are promised it: name, version, grain, key, and each column's name, type, nullability and meaning."""
    return {
        "export": export.name,
        "version": export.version,
        "source": export.table.name,
        "doc": export.table.doc,
        "key": list(export.table.key),
        "columns": [{"name": c.name, "type": c.type, "nullable": c.nullable, "doc": c.doc} for c in export.columns],
    }


def breaking_changes(promised: dict[str, Any], actual: dict[str, Any], *, may_reword: bool = False) -> list[str]:
    """What ``actual`` takes from a reader of ``promised``, in words; empty when it only adds columns.

    A column that means something else is as bad as one that is gone, and nobody but a person can tell new words from a new meaning: both
    count unless ``may_reword``.
    """
    now, new = {column["name"]: column for column in actual["columns"]}, _added(promised, actual)
    broken = []
    for column in promised["columns"]:
        name = column["name"]
        if name not in now:
            renamed = [other["name"] for other in new if _is_alike(column, other)]
            broken.append(f"column {name} is now called {renamed[0]}" if renamed else f"column {name} is gone")
        elif now[name]["type"] != column["type"]:
            broken.append(f"column {name} was {column['type']} and is {now[name]['type']}")
        elif now[name]["nullable"] and not column["nullable"]:
            broken.append(f"column {name} was never NULL and now may be")
        elif now[name]["doc"] != column["doc"] and not may_reword:
            broken.append(f"column {name} meant {column['doc']!r} and means {now[name]['doc']!r}")
    if actual["key"] != promised["key"]:
        broken.append(f"the key was ({', '.join(promised['key'])}) and is ({', '.join(actual['key'])})")
    if actual["doc"] != promised["doc"] and not may_reword:
        broken.append(f"the table was {promised['doc']!r} and is {actual['doc']!r}")
    return broken


def _added(promised: dict[str, Any], actual: dict[str, Any]) -> list[dict[str, Any]]:
    before = {column["name"] for column in promised["columns"]}
    return [column for column in actual["columns"] if column["name"] not in before]


def _is_alike(column: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(column[part] == other[part] for part in ("type", "nullable", "doc"))
