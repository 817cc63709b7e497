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


def breaking_changes(promised: dict[str, Any], actual: dict[str, Any]) -> list[str]:
    """What ``actual`` takes from a reader of ``promised``, in words; empty when it only adds columns or rewords their meaning."""
    now = {column["name"]: column for column in actual["columns"]}
    broken = []
    for column in promised["columns"]:
        name = column["name"]
        if name not in now:
            broken.append(f"column {name} is gone")
        elif now[name]["type"] != column["type"]:
            broken.append(f"column {name} was {column['type']} and is {now[name]['type']}")
        elif now[name]["nullable"] and not column["nullable"]:
            broken.append(f"column {name} was never NULL and now may be")
    if actual["key"] != promised["key"]:
        broken.append(f"the key was ({', '.join(promised['key'])}) and is ({', '.join(actual['key'])})")
    return broken
