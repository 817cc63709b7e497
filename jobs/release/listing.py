"""The page that lists every release and leads to its report."""

from collections.abc import Iterable
from typing import Any

from jobs.release.record import Release
from jobs.reports import places
from jobs.reports.templates import ENVIRONMENT, stylesheet
from jobs.store import Store


def list_releases(store: Store, releases: Iterable[Release]) -> None:
    """Write the page, newest first: a withdrawal leads to the report of the content that it brought back."""
    ordered = sorted(releases, key=lambda release: release.key, reverse=True)
    withdrawn: set[str | None] = {release.withdraws for release in ordered if release.withdraws}
    lines = [_line(release, withdrawn, is_current=release is ordered[0]) for release in ordered]
    page = ENVIRONMENT.get_template("releases.html").render(stylesheet=stylesheet(), lines=lines)
    store.write(places.RELEASES, page.encode(), content_type="text/html; charset=utf-8")


def _line(release: Release, withdrawn: set[str | None], *, is_current: bool) -> dict[str, Any]:
    notes = ["current"] if is_current else []
    notes += ["withdrawn"] if release.id in withdrawn else []
    notes += [f"withdraws {release.withdraws}, with the content of {release.origin}: {release.reason}"] if release.withdraws else []
    page = places.between(places.RELEASES, places.release_page(release.origin))
    return {"id": release.id, "day": release.content.day, "created_at": release.created_at, "note": "; ".join(notes), "page": page}
