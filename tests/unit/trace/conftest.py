"""Builders of releases, shared with the tests of releases."""

from tests.unit.release.conftest import make_release

__all__ = ["make_release"]
