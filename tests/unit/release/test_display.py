"""What a person reads on the terminal."""

import io
from collections.abc import Callable
from typing import Any

from rich.console import Console

from jobs.release.display import as_list, as_pages, differences_table
from jobs.release.record import Release


def text(*pages: Any) -> str:
    out = io.StringIO()
    console = Console(file=out, width=400)
    for page in pages:
        console.print(page)
    return out.getvalue()


def test_the_list_names_the_current_the_withdrawn_and_why(make_release: Callable[..., Release]) -> None:
    back = make_release("2026-06-30-000002", withdraws="2026-06-30-000001", content_of="2026-06-29-000001", reason="wrong prices")
    lines = text(as_list([make_release("2026-06-30-000001"), back])).splitlines()
    newest, older = (next(line for line in lines if line.startswith(f"│ {release_id}")) for release_id in (back.id, "2026-06-30-000001"))
    assert "current; withdraws 2026-06-30-000001: wrong prices" in newest
    assert "withdrawn" in older


def test_a_difference_is_marked_and_sameness_is_not(make_release: Callable[..., Release]) -> None:
    lines = text(differences_table(make_release("2026-06-30-000001"), make_release("2026-06-30-000002", rows=4))).splitlines()
    marks = {line.split("│")[1].strip(): line.split("│")[4].strip() for line in lines if line.startswith("│")}
    assert (marks["export user_segments: rows"], marks["export user_segments: schema"]) == ("yes", "")


def test_a_release_tells_why_no_model_serves(make_release: Callable[..., Release]) -> None:
    assert "popularity (nothing trained)" in text(*as_pages(make_release("2026-06-30-000001")))
