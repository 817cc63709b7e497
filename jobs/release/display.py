"""Releases as tables on a terminal."""

from collections.abc import Iterator, Sequence

from rich.table import Column, Table

from jobs.release.record import Release


def as_list(releases: Sequence[Release]) -> Table:
    """One line a release, the current one first."""
    ordered = sorted(releases, key=lambda release: release.key, reverse=True)
    withdrawn = {release.withdraws for release in releases if release.withdraws}
    whole = [Column(name, no_wrap=True, overflow="fold") for name in ("release", "content of", "created (UTC)")]  # ids are typed again
    table = Table(*whole, "rows exported", "models", "note", title="Releases, newest first")
    for release in ordered:
        rows = "\n".join(f"{name} {export['rows']:,}" for name, export in release.content.exports.items())
        models = "\n".join(f"{family}: {model_text(model)}" for family, model in release.content.models.items())
        notes = ["current"] if release is ordered[0] else []
        notes += ["withdrawn"] if release.id in withdrawn else []
        notes += [f"withdraws {release.withdraws}: {release.reason}"] if release.withdraws else []
        table.add_row(release.id, release.origin, f"{release.created_at:%Y-%m-%d %H:%M:%S}", rows, models, "; ".join(notes))
    return table


def as_pages(release: Release) -> Iterator[Table]:
    """The release itself, its exports with their files, and the tables behind it."""
    head = Table(show_header=False, title=f"Release {release.id}")
    content = release.content
    for name, value in (
        ("content of", release.origin),
        ("withdraws", release.withdraws),
        ("reason", release.reason),
        ("day of the content", str(content.day)),
        ("created (UTC)", f"{release.created_at:%Y-%m-%d %H:%M:%S}"),
        ("run", f"{release.run_id}, attempt {release.attempt}"),
        ("code", release.code_version),
        ("set", content.set.id),
        *((f"model {family}", model_text(model)) for family, model in content.models.items()),
    ):
        if value is not None:
            head.add_row(name, value)
    yield head

    files = Table("export", "file", "rows", "bytes", "SHA-256", title="Exports")
    for name, export in content.exports.items():
        for file in export["files"]:
            files.add_row(name, file["key"], f"{file['rows']:,}", f"{file['bytes']:,}", file["sha256"][:12])
    yield files

    exact = [Column(name, no_wrap=True) for name in ("table", "snapshot", "content hash")]
    tables = Table(*exact, "expectations", "warnings", title="Tables")
    for name, version in sorted({**content.set.tables, **content.tables}.items()):
        verdict = content.quality.get(name)
        tables.add_row(
            name,
            version.snapshot_id,
            version.content_hash,
            *((str(verdict["evaluated"]), str(verdict["warnings"])) if verdict else ("none", "")),
        )
    yield tables


def differences_table(a: Release, b: Release) -> Table:
    """One line a thing that both or either release names: as it is in ``a``, in ``b``, and whether it changed."""
    table = Table("what", a.id, b.id, "changed", title=f"From {a.id} to {b.id}")
    left, right = dict(_facts(a)), dict(_facts(b))
    for name in [*left, *(name for name in right if name not in left)]:
        before, after = left.get(name, "absent"), right.get(name, "absent")
        table.add_row(name, before, after, "" if before == after else "yes")
    return table


def model_text(model: dict[str, object]) -> str:
    """A model as a line: name and version, or why none serves."""
    version = model.get("version")
    served = f"{model.get('name')} version {version}" if version else str(model.get("name"))
    reason = model.get("reason")
    return f"{served} ({reason})" if reason else served


def _facts(release: Release) -> Iterator[tuple[str, str]]:
    content = release.content
    yield "day of the content", str(content.day)
    yield "code", release.code_version
    yield "set", content.set.id
    for family, model in content.models.items():
        yield f"model {family}", model_text(model)
    for name, export in content.exports.items():
        yield f"export {name}: schema", f"v{export['schema_version']}"
        yield f"export {name}: rows", f"{export['rows']:,}"
        yield f"export {name}: content", str(export["content_hash"])
    for name, version in sorted(content.set.tables.items()):
        yield f"table {name}", version.content_hash
    for name, verdict in content.quality.items():
        yield f"warnings {name}", str(verdict["warnings"])
