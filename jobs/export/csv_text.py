"""Arrow tables as CSV that every reader understands the same way.

RFC 4180 in UTF-8: a header, commas, CRLF after every line, a field in double quotes when it holds a quote, a comma or a line break. NULL is
an empty field without quotes; the empty text is ``""``. Booleans are ``true`` and ``false``, days ISO dates, instants ISO in UTC with a Z,
lists and structures JSON, floating-point numbers the shortest text that reads back to the same number.
"""

import json

import pyarrow as pa
import pyarrow.compute as pc

_NEEDS_QUOTES = '[",\r\n]|^$'


def csv_text(table: pa.Table) -> bytes:
    """Header and rows; the same bytes for the same table on every machine.

    >>> csv_text(pa.table({"name": ["mug", "", None], "units_sold": [1, None, 3]})).decode().splitlines()
    ['name,units_sold', 'mug,1', '"",', ',3']
    """
    header = pc.binary_join_element_wise(*[_quoted(pa.array([name])) for name in table.column_names], ",").to_pylist()
    if table.num_rows == 0:
        return f"{header[0]}\r\n".encode()
    fields = [pc.fill_null(_quoted(_as_text(table.column(name).combine_chunks())), "") for name in table.column_names]
    lines = pc.binary_join_element_wise(*fields, ",") if len(fields) > 1 else fields[0]
    return "".join(f"{line}\r\n" for line in [*header, *lines.to_pylist()]).encode()


def _as_text(values: pa.Array) -> pa.Array:
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return values.cast(pa.string())
    if pa.types.is_nested(values.type):
        rows = [
            None if row is None else json.dumps(row, ensure_ascii=False, separators=(",", ":"), default=str) for row in values.to_pylist()
        ]
        return pa.array(rows, type=pa.string())
    if pa.types.is_timestamp(values.type):
        return pc.strftime(values, format="%Y-%m-%dT%H:%M:%SZ")
    return values.cast(pa.string())


def _quoted(texts: pa.Array) -> pa.Array:
    escaped = pc.binary_join_element_wise('"', pc.replace_substring(texts, '"', '""'), '"', "")
    return pc.if_else(pc.match_substring_regex(texts, _NEEDS_QUOTES), escaped, texts)
