"""Names and files that mean harm are refused with a typed error, and nothing is written outside its place."""

import gzip
import json
import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jobs import entry, landing
from jobs.errors import LandingError, SettingsError
from jobs.interval import Interval
from jobs.lake import Attempt
from jobs.land import land
from jobs.landing import MARKER, Marker
from jobs.settings import Settings
from jobs.sources.source import UnknownSourceError, load
from jobs.store import Store

DAY = date(2013, 6, 3)
HEADER = "user_id,brand_id,type,visit_datetime\n"
REQUIRED = {
    "TRADEWIND_CATALOG_URI": "jdbc:postgresql://127.0.0.1:1/lake",
    "TRADEWIND_CATALOG_USER": "lake",
    "TRADEWIND_CATALOG_PASSWORD": "p",
    "TRADEWIND_MLFLOW_TRACKING_URI": "http://127.0.0.1:1",
    "TRADEWIND_PSEUDONYM_KEY": "k" * 32,
}

SQL = (
    "'; DROP TABLE silver.events; --",
    "events' OR '1'='1",
    "`events`",
    "events; SELECT 1",
    'events"',
    "events) UNION SELECT 1",
    "events/*x*/",
)
SHELL = ("$(touch owned)", "`touch owned`", "a; touch owned", "a && touch owned", "a | touch owned", "a\ntouch owned", "-rf /", "--help")
PATHS = ("../events", "../../etc/passwd", "/etc/passwd", "a/b", "..", ".", "a\\b", "%2e%2e%2f", "file:///etc/passwd", "s3://other/key")
SIGNS = (
    "",
    " ",
    "a b",
    "a\x00b",
    "a\x1b[2Jb",
    "\u202eabc",
    "é",
    "ｅvents",
    "A" * 300,
    "{{ 7*7 }}",
    "${jndi:x}",
    "<script>alert(1)</script>",
)
MODULES = ("os", "__init__", "__main__", "sources.synthetic", "os.path", "source", "parsing")
HOSTILE = (*SQL, *SHELL, *PATHS, *SIGNS, *MODULES)
RUNS = (*SQL, *SHELL, *PATHS, *SIGNS)


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to stand in, with a secret beside it; whatever happens, neither gains or changes a file."""
    place, secret = tmp_path / "stand" / "here", tmp_path / "secret.csv"
    place.mkdir(parents=True)
    secret.write_text(HEADER + "1,2,0,6-3\n", encoding="utf-8")
    monkeypatch.chdir(place)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    yield tmp_path
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and "input" not in path.parts}
    assert after == before


@pytest.fixture
def store(services: Settings) -> Iterator[Store]:
    """A store whose landing zone is empty, and must stay so."""
    store = Store.from_settings(services)
    store.delete([stored.key for stored in store.list("landing/")])
    before = [stored.key for stored in store.list("")]
    yield store
    assert [stored.key for stored in store.list("")] == before


@pytest.mark.parametrize("name", HOSTILE)
def test_a_source_of_that_name_is_not_known(name: str, outside: Path) -> None:
    assert outside.exists()
    with pytest.raises(UnknownSourceError) as refused:
        load(name)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", str(refused.value))


@pytest.mark.parametrize("variable", ["TRADEWIND_SHOP", "TRADEWIND_SOURCE"])
@pytest.mark.parametrize("name", [name for name in HOSTILE if not re.fullmatch(r"[a-z][a-z0-9_]{1,40}", name)])
def test_a_deployment_takes_no_such_name(variable: str, name: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        Settings.from_environment(REQUIRED | {variable: name})


@pytest.mark.parametrize(
    "name", [name for name in (*HOSTILE, "silver.events; x", "silver.__init__", "ops.sets ") if not name.startswith("-")]
)
def test_a_task_of_that_name_is_refused_before_anything_is_imported(name: str, outside: Path) -> None:
    result = outside / "input" / "result.json"
    result.parent.mkdir()
    command = [name, "--start", "2026-05-04", "--end", "2026-05-05", "--run-id", "r", "--result", str(result)]
    assert entry.main(command) == 65
    assert json.loads(result.read_text(encoding="utf-8"))["error"]["type"] == "SettingsError"


@pytest.mark.parametrize("day", [*SQL, *SHELL, *PATHS, *SIGNS, "2026-02-30", "2026-13-01", "20260504", "2026-W19-1"])
def test_a_day_of_that_name_is_bad_data(day: str, outside: Path) -> None:
    assert outside.exists()
    assert entry.main(["silver.events", f"--start={day}", "--end=2026-05-05", "--run-id=r"]) == 65


@pytest.mark.parametrize("run_id", RUNS)
def test_a_run_of_that_name_stages_on_a_branch_with_a_harmless_name(run_id: str) -> None:
    branch = Attempt(run_id, 1, Interval(DAY, date(2013, 6, 4)), "v").branch
    assert re.fullmatch(r"run_[a-z0-9_]+", branch)


@pytest.mark.parametrize("name", [*PATHS[:7], "a\x00b", "a\nb", "\x7f", "", "x" * 256, MARKER, 7, None, ["a"], {"a": 1}])
def test_a_marker_that_names_such_a_file_is_malformed(name: Any, store: Store) -> None:
    file = {"name": name, "rows": 1, "bytes": 3, "sha256": "0" * 64}
    told = {"source": "alibaba2014", "feed": "events", "landed_date": str(DAY), "rows": 1, "files": [file]}
    with pytest.raises(LandingError, match="malformed marker"):
        Marker.from_json(json.dumps(told).encode(), "landing/x/_LANDED.json")
    assert store.read(landing.folder("alibaba2014", "events", DAY) + MARKER) is None


def bomb(line: bytes, size: int) -> bytes:
    """An archive that grows to ``size`` bytes: one member of a megabyte, again and again."""
    return packed(line * ((1 << 20) // len(line))) * (size >> 20)


def packed(content: bytes) -> bytes:
    """A gzip member that does not say when it was made: two workers that collect the tests must see the same ones."""
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (packed(HEADER.encode()) + bomb(b"1" * 240 + b",2,0,6-3\n", 10 << 30), "bytes out of the first"),
        (packed(HEADER.encode()) + bomb(b"\n", 10 << 30), "records with a readable time"),
        (packed(b"\0" * (64 << 20)), "a line of more than"),
        (packed(packed(b"1,2,0,6-3\n")), "gzip inside gzip"),
        (b"PK\x03\x04" + b"\0" * 100, "a zip archive"),
        (packed(HEADER.encode())[:-4], "whole gzip file"),
        (b"\x1f\x8b" + bytes(range(256)) * 8, "whole gzip file"),
        (b"x" * (5 << 20), "a line of more than"),
        ("user_id,brand_id\n1,2\n".encode("utf-16"), "UTF-16"),
        (b"\x1b[2J\x1b]0;owned\x07\n1,2,0,6-3\n", "the header"),
        (b"\x00\x01\x02\n\x03\n", "the header"),
        (b"", "the header"),
        (HEADER.encode() + b"\x00" * 50 + b"\n", "readable time"),
    ],
)
def test_a_file_that_means_harm_is_refused_whole(content: bytes, found: str, outside: Path, store: Store) -> None:
    place = outside / "input"
    place.mkdir()
    (place / "events.csv").write_bytes(content)
    with pytest.raises(LandingError, match=found) as refused:
        land(store, load("alibaba2014"), place / "events.csv", report=lambda _: None)
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize("target", ["../secret.csv", "../../secret.csv", "/etc/passwd", "/proc/self/environ"])
def test_a_link_that_leads_out_of_the_folder_is_refused(target: str, outside: Path, store: Store) -> None:
    place = outside / "input"
    (place / "deep").mkdir(parents=True)
    link = (place / "deep" if target.startswith("../..") else place) / "events.csv"
    link.symlink_to(target)
    with pytest.raises(LandingError, match="a link to"):
        land(store, load("alibaba2014"), place, report=lambda _: None)


@pytest.mark.parametrize("kind", ["pipe", "folder", "link to a folder", "link to itself"])
def test_what_is_no_file_is_not_opened(kind: str, outside: Path, store: Store) -> None:
    place = outside / "input"
    place.mkdir()
    odd = place / "events.csv"
    if kind == "pipe":
        os.mkfifo(odd)
    elif kind == "folder":
        odd.mkdir()
    else:
        odd.symlink_to(outside / "stand" if kind == "link to a folder" else odd)
    with pytest.raises(LandingError, match="found none"):
        land(store, load("alibaba2014"), place, report=lambda _: None)


def test_a_name_that_would_move_the_cursor_is_shown_written_out(outside: Path, store: Store) -> None:
    place, said = outside / "input", list[str]()
    place.mkdir()
    (place / "\x1b[2Jowned").write_text("x", encoding="utf-8")
    with pytest.raises(LandingError, match="found none"):
        land(store, load("alibaba2014"), place, report=said.append)
    assert said == ["left out \\x1b[2Jowned: no feed of alibaba2014 has files of that name"]
