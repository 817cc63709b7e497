"""Postgres gets a place that its user can reach."""

import os
from pathlib import Path

import pytest

from stack.system_user import SystemUser, fallback_folder, reachable_copy, reachable_folder

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root runs Postgres as another user")


def test_an_ordinary_caller_keeps_the_wanted_folder(tmp_path: Path) -> None:
    assert reachable_folder(tmp_path / "postgres", None) == tmp_path / "postgres"


def test_the_fallback_differs_by_wish_and_is_found_again(tmp_path: Path) -> None:
    assert fallback_folder(tmp_path / "a") == fallback_folder(tmp_path / "a") != fallback_folder(tmp_path / "b")


@AS_ROOT
def test_below_a_closed_folder_data_and_binaries_go_where_the_user_can_reach_them(tmp_path: Path) -> None:
    user = SystemUser.for_postgres()
    assert user is not None
    closed = tmp_path / "closed"
    (closed / "wheel" / "bin").mkdir(parents=True)
    (closed / "wheel" / "bin" / "postgres").write_text("#!/bin/sh\necho here\n")
    (closed / "wheel" / "bin" / "postgres").chmod(0o755)
    closed.chmod(0o700)
    folder = reachable_folder(closed / "postgres", user)
    try:
        assert folder == fallback_folder(closed / "postgres")
        binaries = reachable_copy(closed / "wheel", Path("bin/postgres"), folder / "pginstall", user)
        assert user.run([str(binaries / "bin" / "postgres")]).stdout == "here\n"
        assert user.run(["touch", str(folder / "mine")]).returncode == 0
    finally:
        for path in sorted(folder.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        folder.rmdir()
