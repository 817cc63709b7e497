"""What makes the environments does it once, and again when a lock has changed."""

import os
import sys
from pathlib import Path

import pytest

from stack import java
from stack.bootstrap import LOCKS, UV_PINS, interpreter
from stack.errors import StackError
from stack.stamps import stamp_of


def test_a_stamp_changes_with_any_lock(tmp_path: Path) -> None:
    lock, other = tmp_path / "a.txt", tmp_path / "b.txt"
    lock.write_text("one")
    other.write_text("two")
    before = stamp_of([lock, other, "/here"])
    assert stamp_of([lock, other, "/here"]) == before
    assert stamp_of([lock, other, "/there"]) != before
    other.write_text("three")
    assert stamp_of([lock, other, "/here"]) != before


@pytest.mark.parametrize("path", [UV_PINS, *(lock for locks in LOCKS.values() for lock in locks)], ids=lambda path: path.name)
def test_every_lock_has_hashes_and_no_address(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "--hash=sha256:" in text
    assert "://" not in text
    assert "--index-url" not in text


def test_the_interpreter_runs_and_fits() -> None:
    assert interpreter().exists()
    assert sys.version_info >= (3, 11)


def test_java_17_is_told_from_java_8_and_from_what_is_no_java(tmp_path: Path) -> None:
    for name, line in {"new": 'openjdk version "17.0.15"', "old": 'java version "1.8.0_402"', "none": "hello"}.items():
        script = tmp_path / name
        script.write_text(f"#!/bin/sh\necho '{line}' >&2\n")
        script.chmod(0o755)
    assert [java.major_version(tmp_path / name) for name in ("new", "old", "none", "absent")] == [17, 8, None, None]


def test_without_java_the_message_is_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(java, "JVM_FOLDER", tmp_path)
    monkeypatch.setattr(java, "find", lambda: None)
    with pytest.raises(StackError, match=r"no Java 17 or 21.*Run: "):
        java.require()


def test_java_is_found_among_the_machines_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = tmp_path / "jvm" / "java-17" / "bin" / "java"
    binary.parent.mkdir(parents=True)
    binary.write_text("#!/bin/sh\necho 'openjdk version \"17.0.1\"' >&2\n")
    binary.chmod(0o755)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/nonexistent")
    assert java.find(tmp_path / "jvm") == binary
    assert java.home(binary) == tmp_path / "jvm" / "java-17"
