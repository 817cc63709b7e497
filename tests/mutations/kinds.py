"""What can be wrong with a landing file: named mutations, each a pure function of the file's bytes and a seeded chance."""

import bz2
import csv
import gzip
import io
import json
import lzma
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

Change = Callable[[bytes, Random], bytes]
Outcome = Literal["kept", "quarantined", "refused"]
Format = Literal["json", "csv", "csv with header"]

KEPT: frozenset[Outcome] = frozenset({"kept"})
"""Every line is a clean row: what looks odd is within the rules."""
REFUSED: frozenset[Outcome] = frozenset({"refused"})
"""The file is no file of the source: a typed error, exit 65."""
CAUGHT: frozenset[Outcome] = frozenset({"quarantined", "refused"})
"""Some line is rejected with a reason, or the file is refused."""
TOLD: frozenset[Outcome] = frozenset({"kept", "quarantined", "refused"})
"""It depends on the place that chance chose; whatever happens, each line is accounted for."""

JSON: frozenset[Format] = frozenset({"json"})
CSV: frozenset[Format] = frozenset({"csv", "csv with header"})
HEADER: frozenset[Format] = frozenset({"csv with header"})
ALL: frozenset[Format] = JSON | CSV

MAGIC_ZSTD = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True)
class Mutation:
    """One kind: its name, the order in which it applies beside others (1 values, 2 lines, 3 text, 4 archive), and what may come of it."""

    name: str
    order: int
    change: Change
    ends: frozenset[Outcome]
    formats: frozenset[Format] = ALL


def is_json(content: bytes) -> bool:
    """Whether the content began as JSON lines."""
    return content.lstrip()[:1] in {b"{", b"["}


def _lines(content: bytes) -> list[bytes]:
    return content.removesuffix(b"\n").split(b"\n")


def _joined(lines: Sequence[bytes]) -> bytes:
    return b"\n".join(lines) + b"\n"


def _each_line(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    return _joined([change(line) for line in _lines(content)])


def _some_line(content: bytes, chance: Random, change: Callable[[bytes], bytes]) -> bytes:
    """Change one line; never the first one of a CSV file, which may be a header."""
    lines = _lines(content)
    first = 0 if is_json(content) else min(1, len(lines) - 1)
    index = chance.randrange(first, len(lines))
    return _joined([*lines[:index], change(lines[index]), *lines[index + 1 :]])


# values

_TIME = re.compile(r"^\d{4}-\d\d-\d\d|^\d{10}$|^\d{13}$|^\d{1,2}-\d{1,2}$")
_NUMBER = re.compile(r"^-?\d{1,9}(\.\d+)?$")


def _is_time(token: str) -> bool:
    return bool(_TIME.match(token.strip('"')))


def _is_number(token: str) -> bool:
    return bool(_NUMBER.match(token))


def _is_text(token: str) -> bool:
    return not _is_time(token) and not _is_number(token) and token not in {"null", "true", "false", ""}


def _replaced(line: bytes, chance: Random, wanted: Callable[[str], bool], token: Callable[[bool], str]) -> bytes:
    """The line with one value that is ``wanted`` (any value, where none is) replaced by ``token(is_json)`` as it stands."""
    text = line.decode("utf-8", errors="surrogateescape")
    try:
        as_json = text.startswith("{")
        if as_json:
            pairs = [(name, json.dumps(value)) for name, value in json.loads(text).items()]
        else:
            pairs = [("", field) for field in next(csv.reader([text]), [])]
    except (ValueError, csv.Error, AttributeError):
        return line
    places = [index for index, (_, value) in enumerate(pairs) if wanted(value)] or list(range(len(pairs)))
    if not places:
        return line
    place = chance.choice(places)
    tokens = [token(as_json) if index == place else _written(value, as_json=as_json) for index, (_, value) in enumerate(pairs)]
    if as_json:
        text = "{" + ", ".join(f"{json.dumps(name)}: {value}" for (name, _), value in zip(pairs, tokens, strict=True)) + "}"
    else:
        text = ",".join(tokens)
    return text.encode("utf-8", errors="surrogateescape")


def _written(value: str, *, as_json: bool) -> str:
    if as_json or not set(value) & {",", '"'}:
        return value
    return '"' + value.replace('"', '""') + '"'


def _value(wanted: Callable[[str], bool], in_json: Sequence[str], in_csv: Sequence[str] = ()) -> Change:
    """Put one of the tokens, each as it stands in its format, into one value of one line."""

    def change(content: bytes, chance: Random) -> bytes:
        def token(as_json: bool) -> str:  # noqa: FBT001 - the callback of one function
            return chance.choice(in_json if as_json else in_csv or [text.strip('"') for text in in_json])

        return _some_line(content, chance, lambda line: _replaced(line, chance, wanted, token))

    return change


def _quoted(texts: Sequence[str]) -> list[str]:
    return [f'"{text}"' for text in texts]


_YEARS = {
    "time_of_year_zero": ("0000-01-01T00:00:00Z", "0000-01-01 00:00:00", "0000-01-01 00:00:00 UTC", "0", "0000000000", "0-0"),
    "time_of_year_9999": ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "9999-12-31 23:59:59", "253402300799", "9999999999999"),
    "time_of_a_year_before_zero": ("-0001-01-01T00:00:00Z", "-2026-05-04T00:00:00Z", "-1", "-1511658000", "-62135596800000", "-1-1"),
    "time_of_a_year_of_five_digits": ("10000-01-01T00:00:00Z", "+12026-05-04T00:00:00Z", "99999-12-01 08:26:00", "99999999999999"),
    "time_that_no_calendar_has": ("2026-02-30T10:00:00Z", "2026-13-01T00:00:00Z", "2010-02-30 08:26:00", "2019-10-07 24:61:00 UTC", "2-30"),
    "time_in_words": ("yesterday", "now", "12:30:00", "2026", "04.05.2026", "May 4", "2026-05-04T10:00:00 Mars/Olympus", "today"),
    "time_of_another_unit": ("1777888800", "1777888800000", "1777888800000000", "1777888800.5", "1.7778888e9"),
}

_NUMBERS = {
    "number_out_of_int": ("2147483648", "-2147483649", "99999999999", "4294967297"),
    "number_out_of_bigint": ("9223372036854775808", "-9223372036854775809", "18446744073709551617", "1" + "0" * 30),
    "number_at_the_edge": ("2147483647", "-2147483648", "9223372036854775807", "-9223372036854775808", "100000001"),
    "number_of_5000_digits": ("9" * 5_000, "0." + "9" * 5_000, "0" * 4_999 + "1"),
    "number_with_a_huge_exponent": ("1e400", "1e999999999", "-1E+2147483647", "9e99999"),
    "number_with_a_tiny_exponent": ("1e-400", "1e-999999", "1e-2147483647", "-0e-0"),
    "number_with_a_fraction": ("2.5", "0.1", "1.0", "2.0000000000000000000001"),
    "number_negative": ("-1", "-500", "-0.01"),
    "number_negative_zero": ("-0", "-0.0"),
    "number_in_hexadecimal": ("0x10", "0b1", "0o7"),
}


def _of_values() -> list[Mutation]:
    numbers = [Mutation(name, 1, _value(_is_number, tokens), TOLD) for name, tokens in _NUMBERS.items()]
    times = [Mutation(name, 1, _value(_is_time, _quoted(tokens), tokens), CAUGHT) for name, tokens in _YEARS.items()]
    # whether a text is caught depends on its column: of some, nothing is made
    texts = {
        "text_with_a_nul": (_quoted(["a\\u0000b", "\\u0000"]), ["a\x00b", "\x00", "\x00\x00\x00"], TOLD),
        "text_with_control_characters": (_quoted(["a\\u0001b", "\\u001b[31m", "a\\u007f"]), ["a\x01b", "\x1b[31m", "\x08"], TOLD),
        "text_with_raw_control_characters": (_quoted(["a\x01b", "a\tb", "\x0c", "a\x00b"]), ["a\x01b", "\x0c", "a\x00b"], TOLD),
        "text_with_a_lone_surrogate": (_quoted(["a\\ud800", "\\udfff", "\\ud800\\ud800"]), ["\udced\udca0\udc80", "\\ud800"], TOLD),
        "text_of_100000_characters": (_quoted(["x" * 100_000]), ["x" * 100_000, '"' + "x," * 50_000 + '"'], TOLD),
        "text_that_is_empty": (_quoted([""]), ["", '""'], TOLD),
        "text_that_is_blank": (_quoted([" ", "\\t"]), [" ", '" "', "\t"], TOLD),
        "text_that_says_null": (_quoted(["NULL", "None", "\\\\N", "nan"]), ["NULL", "None", "\\N", "nan"], TOLD),
        "text_that_a_spreadsheet_runs": (_quoted(["=1+1", "@SUM(A1)"]), ["=1+1", "@SUM(A1)", "+1"], TOLD),
        "text_with_line_separators": (_quoted(["a\u2028b", "a\x85b", "a\u2029"]), ["a\u2028b", "a\x85b", "a\x0bb"], TOLD),
        "text_in_other_scripts": (_quoted(["\U0001f600", "\u202eabc", "ａｂ", "\ufffe\uffff"]), ["\U0001f600", "\u202eabc", "１２"], TOLD),
    }
    return [
        *numbers,
        *times,
        *[Mutation(name, 1, _value(_is_text, in_json, in_csv), ends) for name, (in_json, in_csv, ends) in texts.items()],
        Mutation("number_that_is_none", 1, _value(_is_number, ["NaN", "Infinity", "-Infinity", '"NaN"', '"Infinity"']), TOLD),
        Mutation("number_as_text", 1, _value(_is_number, _quoted(["2", "500", "", "two"])), CAUGHT, JSON),
        Mutation("number_as_a_boolean", 1, _value(_is_number, ["true", "false"]), TOLD),
        Mutation(
            "number_with_separators", 1, _value(_is_number, ["1_000", "1 000", "1,000"], ['"12,50"', '"1,234.56"', "1_0", "1 0"]), TOLD
        ),
        Mutation("number_in_other_digits", 1, _value(_is_number, _quoted(["１２", "٣"]), ["１２", "٣"]), TOLD),
        Mutation("boolean_as_a_number", 1, _value(lambda token: token in {"true", "false"}, ["1", "0", '"yes"']), TOLD, JSON),
        Mutation("text_as_an_object", 1, _value(_is_text, ['{"a": 1}', "[1, 2]", "[[]]", "{}"]), CAUGHT, JSON),
        Mutation("value_of_null", 1, _value(lambda token: token != "null", ["null"]), TOLD, JSON),
    ]


# lines

MUTATIONS_OF_LINES: list[Mutation] = []


def _line_kind(ends: frozenset[Outcome], formats: frozenset[Format] = ALL) -> Callable[[Change], Change]:
    def register(change: Change) -> Change:
        MUTATIONS_OF_LINES.append(Mutation(change.__name__, 2, change, ends, formats))
        return change

    return register


@_line_kind(CAUGHT)
def line_cut_short(content: bytes, chance: Random) -> bytes:
    """A line ends at its second to last separator or before."""
    separator = b":" if is_json(content) else b","
    return _some_line(
        content, chance, lambda line: separator.join(line.split(separator)[: chance.randrange(1, line.count(separator) or 2)])
    )


@_line_kind(TOLD)
def file_cut_short(content: bytes, chance: Random) -> bytes:
    """The file ends anywhere."""
    return content[: chance.randrange(1, len(content))]


@_line_kind(TOLD)
def lines_joined(content: bytes, chance: Random) -> bytes:
    """A line end is lost."""
    lines = _lines(content)
    index = chance.randrange(1, max(2, len(lines) - 1))
    return _joined([*lines[:index], b"".join(lines[index : index + 2]), *lines[index + 2 :]])


@_line_kind(CAUGHT, JSON)
def two_records_in_a_line(content: bytes, chance: Random) -> bytes:
    """A comma and another record behind a record, or a bracket too many."""
    tail = chance.choice([b",", b', "record": ', b"}, ", b"}", b"]", b"]}", b', "x": 1', b"} ", b"}}}}", b"],["])
    return _some_line(content, chance, lambda line: line + tail + (line if tail.endswith((b",", b" ", b"[")) else b""))


@_line_kind(CAUGHT)
def blank_lines(content: bytes, chance: Random) -> bytes:
    """Empty lines and lines of blanks."""
    return _some_line(content, chance, lambda line: line + b"\n" + chance.choice([b"", b" ", b"\t", b"\n\n"]))


@_line_kind(CAUGHT)
def a_line_of_junk(content: bytes, chance: Random) -> bytes:
    """A log line, a comment, a closing count."""
    junk = chance.choice(
        [b"# comment", b"null", b"[]", b"{}", b'"text"', b"42", b"2026-05-04 ERROR out of memory", b"(8 rows)", b"<html>", b"\\N"]
    )
    return _some_line(content, chance, lambda line: line + b"\n" + junk)


@_line_kind(CAUGHT)
def line_of_300_kilobytes(content: bytes, chance: Random) -> bytes:
    """A line that is long, yet within what is read."""
    return _some_line(content, chance, lambda line: line + b"\n" + chance.choice([b",", b"x", b"[", b'{"a":', b"\x00", b'"']) * 300_000)


@_line_kind(REFUSED)
def line_without_end(content: bytes, chance: Random) -> bytes:
    """A line of 5 MB."""
    return _some_line(content, chance, lambda line: line + chance.choice([b"x", b",", b"\x00"]) * 5_000_000)


@_line_kind(KEPT)
def lines_repeated(content: bytes, chance: Random) -> bytes:
    """A line delivered again."""
    return _some_line(content, chance, lambda line: line + b"\n" + line)


@_line_kind(CAUGHT)
def zeros_at_the_end(content: bytes, chance: Random) -> bytes:
    """What a disk that was full leaves behind."""
    return content + b"\x00" * chance.choice([1, 512, 4096])


@_line_kind(CAUGHT)
def bytes_flipped(content: bytes, chance: Random) -> bytes:
    """Some bytes of the body have their highest bit set."""
    body = bytearray(content)
    start = content.find(b"\n") + 1
    places = [index for index in range(start, len(body)) if body[index] not in b"\n\r" and chr(body[index]) in '{}":,0123456789']
    for index in chance.sample(places, min(30, len(places))):
        body[index] ^= 0x80
    return bytes(body)


@_line_kind(CAUGHT, JSON)
def nested_a_thousand_deep(content: bytes, chance: Random) -> bytes:
    """A record, a value or a stranger's value of lists in lists."""
    depth = chance.choice([900, 1_001, 20_000, 400_000])
    nest = (b"[" * depth) + (b"]" * depth)
    form = chance.choice([b"%s", b'{"event_id": %s, "occurred_at": "2026-05-04T10:00:00Z"}', b'{"item_id": %s}', b'{"occurred_at": %s}'])
    return _some_line(content, chance, lambda line: line + b"\n" + form % nest)


@_line_kind(TOLD, JSON)
def nested_stranger(content: bytes, chance: Random) -> bytes:
    """A column that nobody asked for holds objects in objects."""
    depth = chance.choice([10, 900, 1_500, 100_000])
    nest = b'{"a":' * depth + b"1" + b"}" * depth
    return _some_line(content, chance, lambda line: line.removesuffix(b"}") + b', "extra": ' + nest + b"}")


@_line_kind(TOLD, JSON)
def key_twice(content: bytes, chance: Random) -> bytes:
    """The last one counts."""
    return _some_line(
        content,
        chance,
        lambda line: line.removesuffix(b"}") + chance.choice([b', "item_id": "twice"}', b', "item_id": null}', b', "currency": "EUR"}']),
    )


@_line_kind(CAUGHT, JSON)
def json_that_is_none(content: bytes, chance: Random) -> bytes:
    """Single quotes, bare keys, comments, commas at the end, Python's own notation."""
    return _some_line(
        content,
        chance,
        chance.choice(
            [
                lambda line: line.replace(b'"', b"'"),
                lambda line: re.sub(rb'"(\w+)":', rb"\1:", line),
                lambda line: line.removesuffix(b"}") + b",}",
                lambda line: line.replace(b"{", b"{ /* comment */ ", 1),
                lambda line: b"{" + line + b"}",
                lambda line: b"[" + line + b"]",
                lambda line: line.replace(b":", b"=", 1),
                lambda line: json.dumps(line.decode(errors="replace")).encode(),
            ]
        ),
    )


@_line_kind(CAUGHT, JSON)
def json_over_many_lines(content: bytes, _chance: Random) -> bytes:
    """One array over the whole file, indented."""
    return json.dumps([_loaded(line) for line in _lines(content)], indent=2).encode() + b"\n"


def _loaded(line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return line.decode(errors="replace")


# columns


def _rows(content: bytes) -> list[list[str]]:
    text = content.decode(errors="replace")
    try:
        return list(csv.reader(io.StringIO(text, newline="\n")))
    except csv.Error:  # another mutation has made a line of megabytes
        return [line.split(",") for line in text.removesuffix("\n").split("\n")]


def _csv(rows: Sequence[Sequence[str]], delimiter: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _permuted(row: Sequence[str], first: int, second: int) -> list[str]:
    cells = list(row)
    if max(first, second) < len(cells):
        cells[first], cells[second] = cells[second], cells[first]
    return cells


@_line_kind(CAUGHT, CSV)
def other_delimiter(content: bytes, chance: Random) -> bytes:
    """Semicolons, tabs, bars."""
    return _csv(_rows(content), chance.choice(";\t|"))


@_line_kind(CAUGHT, CSV)
def other_delimiter_in_some_lines(content: bytes, chance: Random) -> bytes:
    """A file put together from two exports."""
    return _some_line(content, chance, lambda line: line.replace(b",", chance.choice([b";", b"\t"])))


@_line_kind(CAUGHT, CSV)
def column_missing(content: bytes, chance: Random) -> bytes:
    """One column is gone, from header and rows."""
    rows = _rows(content)
    gone = chance.randrange(len(rows[0]))
    return _csv([[*row[:gone], *row[gone + 1 :]] for row in rows])


@_line_kind(CAUGHT, CSV)
def column_extra(content: bytes, chance: Random) -> bytes:
    """One column more, in header and rows."""
    rows = _rows(content)
    place = chance.randrange(len(rows[0]) + 1)
    return _csv([[*row[:place], "extra", *row[place:]] for row in rows])


@_line_kind(CAUGHT, CSV)
def fields_missing_or_extra_in_a_line(content: bytes, chance: Random) -> bytes:
    """One row has a field less or more than the others."""
    return _some_line(content, chance, lambda line: chance.choice([line + b",", line + b",1", line.rpartition(b",")[0], b"," + line]))


@_line_kind(REFUSED, HEADER)
def columns_swapped_with_the_header(content: bytes, chance: Random) -> bytes:
    """Two columns change places, and the header says so."""
    rows = _rows(content)
    first, second = chance.sample(range(len(rows[0])), 2)
    return _csv([_permuted(row, first, second) for row in rows])


@_line_kind(TOLD, CSV)
def columns_swapped_under_the_header(content: bytes, chance: Random) -> bytes:
    """Two columns change places, and no header says so: where both have the same type nobody can tell."""
    rows = _rows(content)
    first, second = chance.sample(range(len(rows[0])), 2)
    return _csv([rows[0], *[_permuted(row, first, second) for row in rows[1:]]])


@_line_kind(TOLD, JSON)
def keys_renamed(content: bytes, chance: Random) -> bytes:
    """One key has another name, in capitals or in camel case, in every line."""
    keys = sorted({key for line in _lines(content) if isinstance(record := _loaded(line), dict) for key in record})
    if not keys:
        return content
    key = chance.choice(keys)
    other = chance.choice([key.upper(), key.title().replace("_", ""), key + " ", "x_" + key])
    return content.replace(f'"{key}":'.encode(), f'"{other}":'.encode())


@_line_kind(TOLD, JSON)
def values_swapped(content: bytes, chance: Random) -> bytes:
    """Two keys have each other's values, in every line."""

    def swap(line: bytes) -> bytes:
        record = _loaded(line)
        if not isinstance(record, dict) or len(record) < 2:
            return line
        first, second = pair.sample(sorted(record), 2)
        return json.dumps(record | {first: record[second], second: record[first]}).encode()

    pair = Random(chance.random())  # noqa: S311 - a mutation's seed
    return _each_line(content, swap)


@_line_kind(CAUGHT, CSV)
def header_again_in_the_middle(content: bytes, chance: Random) -> bytes:
    """Two exports, one behind the other."""
    lines = _lines(content)
    header = lines[0] if lines[0][:1].isalpha() else b"user_id,item_id,category_id,behavior,timestamp"
    index = chance.randrange(1, len(lines) + 1)
    return _joined([*lines[:index], header, *lines[index:]])


@_line_kind(REFUSED, HEADER)
def header_missing(content: bytes, _chance: Random) -> bytes:
    """The first line is a row."""
    return _joined(_lines(content)[1:])


@_line_kind(REFUSED, HEADER)
def header_written_otherwise(content: bytes, chance: Random) -> bytes:
    """Capitals, blanks, bare carriage returns, a name of half a megabyte."""
    header, *rows = _lines(content)
    other = chance.choice(
        [
            header.upper() + b" ",
            header.replace(b",", b", "),
            header.replace(b",", b"\r", 1),
            header + b"x" * 500_000,
            b'"' + header,
            b"\x00" + header,
        ]
    )
    return _joined([other, *rows])


@_line_kind(KEPT, HEADER)
def header_in_quotes(content: bytes, _chance: Random) -> bytes:
    """Each name of the header in quotes, as RFC 4180 allows."""
    header, *rows = _lines(content)
    return _joined([b",".join(b'"' + name + b'"' for name in header.split(b",")), *rows])


@_line_kind(TOLD, HEADER)
def nothing_but_the_header(content: bytes, _chance: Random) -> bytes:
    """A day without rows."""
    return _joined(_lines(content)[:1])


@_line_kind(TOLD, CSV)
def quotes_out_of_place(content: bytes, chance: Random) -> bytes:
    """A quote that nobody closes, one inside a field, a line break inside quotes."""

    def spoiled(line: bytes) -> bytes:
        fields = line.split(b",")
        place = chance.randrange(len(fields))
        form = chance.choice([b'"%s', b'%s"', b'a"%s', b'"%s" x', b'"%s\n%s"', b'"%s""', b'""%s'])
        fields[place] = form.replace(b"%s", fields[place])
        return b",".join(fields)

    return _some_line(content, chance, spoiled)


# text


def _bodies_with_accents(content: bytes) -> str:
    text = content.decode(errors="replace")
    return text.replace("Mug", "Café").replace("view", "viéw").replace("EUR", "€")


_TEXTS: dict[str, tuple[Change, frozenset[Outcome]]] = {
    "text_of_utf16": (lambda content, chance: content.decode(errors="replace").encode(chance.choice(["utf-16", "utf-16-be"])), CAUGHT),
    "text_of_utf16_without_mark": (lambda content, _: content.decode(errors="replace").encode("utf-16-le"), CAUGHT),
    "text_of_utf32": (lambda content, _: content.decode(errors="replace").encode("utf-32"), CAUGHT),
    "text_of_ebcdic": (lambda content, _: content.decode(errors="replace").encode("cp037", errors="replace"), CAUGHT),
    "text_of_windows": (lambda content, _: _bodies_with_accents(content).encode("cp1252", errors="replace"), TOLD),
    "byte_order_mark": (lambda content, _: b"\xef\xbb\xbf" + content, KEPT),
    "byte_order_mark_twice": (lambda content, _: b"\xef\xbb\xbf\xef\xbb\xbf" + content, KEPT),
    "byte_order_mark_in_every_line": (lambda content, _: _each_line(content, lambda line: b"\xef\xbb\xbf" + line), KEPT),
    "line_ends_of_windows": (lambda content, _: content.replace(b"\n", b"\r\n"), KEPT),
    "line_ends_mixed": (lambda content, chance: _each_line(content, lambda line: line + chance.choice([b"\r", b""])), KEPT),
    "line_ends_of_old_macs": (lambda content, _: content.replace(b"\n", b"\r"), CAUGHT),
    "line_ends_twice": (lambda content, _: content.replace(b"\n", b"\r\r\n"), KEPT),
    "no_end_of_the_last_line": (lambda content, _: content.removesuffix(b"\n"), KEPT),
}

# archives


def _zip(content: bytes, _chance: Random) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr(zipfile.ZipInfo("data.txt"), content)
    return archive.getvalue()


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _members(content: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(content)) if content else 0
    return _gzip(content[:place]) + _gzip(content[place:]) + _gzip(b"")


def _cut(content: bytes, chance: Random) -> bytes:
    archive = _gzip(content)
    return archive[: chance.randrange(2, len(archive))]


def _damaged(content: bytes, chance: Random) -> bytes:
    archive = bytearray(_gzip(content))
    place = chance.randrange(min(10, len(archive)), len(archive))  # behind the head, whose fields nobody checks
    archive[place] ^= 1 << chance.randrange(8)
    return bytes(archive)


_ARCHIVES: dict[str, tuple[Change, frozenset[Outcome]]] = {
    "gzip": (lambda content, _: _gzip(content), KEPT),
    "gzip_of_several_members": (_members, KEPT),
    "gzip_with_zeros_behind": (lambda content, _: _gzip(content) + b"\x00" * 512, KEPT),
    "gzip_cut": (_cut, REFUSED),
    "gzip_damaged": (_damaged, REFUSED),
    "gzip_with_junk_behind": (lambda content, _: _gzip(content) + b"junk behind the archive", REFUSED),
    "gzip_of_a_gzip": (lambda content, _: _gzip(_gzip(content)), CAUGHT),
    "gzip_head_alone": (lambda content, _: _gzip(content)[:10], REFUSED),
    "zip_archive": (_zip, REFUSED),
    "bzip2_archive": (lambda content, _: bz2.compress(content), REFUSED),
    "xz_archive": (lambda content, _: lzma.compress(content), REFUSED),
    "zstandard_archive": (lambda content, _: MAGIC_ZSTD + b"\x24\xff\x00\x00" + content, REFUSED),
    "binary_of_chance": (lambda _, chance: b"\x00" + chance.randbytes(chance.randrange(1, 60_000)), CAUGHT),
    "binary_of_a_picture": (lambda _, chance: b"\x89PNG\r\n\x1a\n" + chance.randbytes(5_000), CAUGHT),
    "binary_of_parquet": (lambda _, chance: b"PAR1" + chance.randbytes(5_000) + b"PAR1", CAUGHT),
    "web_page": (lambda *_: b"<!doctype html>\n<html>\n<body>\n503 Service Unavailable\n</body>\n</html>\n", CAUGHT),
    "empty_file": (lambda *_: b"", TOLD),
    "file_of_line_ends": (lambda _, chance: b"\n" * chance.randrange(1, 50), CAUGHT),
}

MUTATIONS: dict[str, Mutation] = {
    mutation.name: mutation
    for mutation in (
        *_of_values(),
        *MUTATIONS_OF_LINES,
        *[Mutation(name, 3, change, ends) for name, (change, ends) in _TEXTS.items()],
        *[Mutation(name, 4, change, ends) for name, (change, ends) in _ARCHIVES.items()],
    )
}
"""Every kind by its name."""
