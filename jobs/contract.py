"""What a table promises: its columns, their types and meaning, its key and partitions; checked, and raised when broken."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from jobs.errors import ContractError


@dataclass(frozen=True)
class Column:
    """One column: name, Spark type in DDL, meaning, whether NULL is allowed.

    ``tolerance`` is the absolute difference up to which two values of a floating-point column count as equal; the content hash rounds to
    it. ``is_metadata`` marks what describes the run and not the data; it stays out of the content hash.
    """

    name: str
    type: str
    doc: str
    nullable: bool = False
    tolerance: float | None = None
    is_metadata: bool = False

    def __post_init__(self) -> None:
        if self.type in {"double", "float"} and self.tolerance is None:
            message = f"column {self.name} is floating-point and declares no tolerance"
            raise ValueError(message)


@dataclass(frozen=True)
class Table:
    """One table of the lake: ``layer.noun``, the promise (grain first), columns, key, and the day column that it is partitioned by."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partitioned_by: str | None = None
    properties: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def layer(self) -> str:
        """The part before the dot."""
        return self.name.partition(".")[0]

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names in the contract's order."""
        return tuple(column.name for column in self.columns)

    def struct(self) -> StructType:
        """The columns as a Spark schema; nullability as declared."""
        types = cast("StructType", StructType.fromDDL(", ".join(f"`{c.name}` {c.type}" for c in self.columns)))
        return StructType([StructField(c.name, types[c.name].dataType, c.nullable) for c in self.columns])


def differences(df: DataFrame, table: Table) -> list[str]:
    """Every missing, unexpected or mistyped column of ``df``, in words; empty when it conforms."""
    found = {f.name: f.dataType.simpleString() for f in df.schema.fields}
    wanted = {f.name: f.dataType.simpleString() for f in table.struct().fields}
    missing = [f"{name} {kind} is missing" for name, kind in wanted.items() if name not in found]
    strange = [f"{name} {kind} is not in the contract" for name, kind in found.items() if name not in wanted]
    mistyped = [f"{name} is {found[name]}, not {kind}" for name, kind in wanted.items() if name in found and found[name] != kind]
    return [*missing, *strange, *mistyped]


def conform(df: DataFrame, table: Table) -> DataFrame:
    """Select the contract's columns in its order; raises ContractError that lists all differences at once."""
    wrong = differences(df, table)
    if wrong:
        raise ContractError(
            table.name,
            expected="the columns of its contract",
            found="; ".join(wrong),
            advice=f"Mend the build of {table.name}, or version the table.",
        )
    return df.select(*[F.col(name) for name in table.column_names])


def columns(*groups: Column | Iterable[Column]) -> tuple[Column, ...]:
    """Join single columns and groups of them into one tuple, in order."""
    joined: list[Column] = []
    for group in groups:
        joined.extend([group] if isinstance(group, Column) else group)
    return tuple(joined)
