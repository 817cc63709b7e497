"""Postgres gets a place that its user can reach."""

import os
import shutil
from pathlib import Path

import pytest

from stack.postgres import BINARIES, WHEEL_FOLDERS, site_packages
from stack.system_user import SystemUser, fallback_folder, reachable_copy, reachable_folder

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root runs Postgres as another user")


def test_an_ordinary_caller_keeps_the_wanted_folder(tmp_path: Path) -> None:
    assert reachable_folder(tmp_path / "postgres", None) == tmp_path / "postgres"


def test_the_fallback_differs_by_wish_and_is_found_again(tmp_path: Path) -> None:
    assert fallback_folder(tmp_path / "a") == fallback_folder(tmp_path / "a") != fallback_folder(tmp_path / "b")


@AS_ROOT
def test_below_a_closed_folder_data_and_programs_go_where_the_user_can_reach_them(tmp_path: Path) -> None:
    user = SystemUser.for_postgres()
    assert user is not None
    closed = tmp_path / "closed"
    closed.mkdir()
    for name in WHEEL_FOLDERS:
        (closed / name).symlink_to(site_packages() / name)
    closed.chmod(0o700)
    folder = reachable_folder(closed / "postgres", user)
    try:
        assert folder == fallback_folder(closed / "postgres")
        installed = reachable_copy(closed, WHEEL_FOLDERS, BINARIES / "initdb", folder / "copy", user)
        assert installed == folder / "copy"
        for program in ("initdb", "postgres"):
            assert "PostgreSQL" in user.run([str(installed / BINARIES / program), "--version"]).stdout
        assert user.run(["touch", str(folder / "mine")]).returncode == 0
    finally:
        shutil.rmtree(folder)
