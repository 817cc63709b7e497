"""The templates and the stylesheet of the pages, read as resources: the package may lie in a zip."""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader

_FOLDER = files("jobs.reports") / "layouts"


def _text(name: str) -> str | None:
    resource = _FOLDER / name
    return resource.read_text(encoding="utf-8") if resource.is_file() else None


LOADER = FunctionLoader(_text)
"""Finds the templates of ``layouts/``."""

ENVIRONMENT = Environment(loader=LOADER, autoescape=True, trim_blocks=True, lstrip_blocks=True)
"""What the quality pages are made with; every value is escaped."""


@cache
def stylesheet() -> str:
    """The one stylesheet of all pages, inlined into each."""
    return (_FOLDER / "pages.css").read_text(encoding="utf-8")
