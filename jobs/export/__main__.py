"""``python -m jobs.export``: the promises of all exports, kept in ``docs/contracts``, and audiences as channels take them.

check                 hold every export to what its version has promised; exit 65 with each broken promise and the two ways out
freeze [--reworded]   write the promises of what was added, and of new versions; with --reworded also new words for an old meaning
audience NAME --for F   write who may be addressed as CSV: for google, meta, email, sms or push (docs/activation.md)
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from jobs.errors import ContractError, TradewindError
from jobs.export.activation import FORMS, audiences, lines, rows_of, write_lines
from jobs.export.exports import Export, exports
from jobs.export.schema import breaking_changes, schema_document
from jobs.release.releases import named
from jobs.settings import Settings
from jobs.store import Store

CONTRACTS = Path("docs/contracts")


def contract_path(export: Export, folder: Path = CONTRACTS) -> Path:
    """The file that holds the frozen schema of an export's version."""
    return folder / f"{export.name}.v{export.version}.json"


def check(export: Export, folder: Path = CONTRACTS) -> None:
    """Hold an export to its promise; raises ContractError that says what is broken, or that something was never promised."""
    path, actual = contract_path(export, folder), schema_document(export)
    if not path.exists():
        raise ContractError(
            f"export {export.name}",
            expected=f"a promise of version {export.version} in {path}",
            found="none",
            advice="Run `python -m jobs.export freeze`.",
        )
    promised = json.loads(path.read_text(encoding="utf-8"))
    require_kept(export, promised, actual)
    if promised != actual:
        raise ContractError(
            f"export {export.name}",
            expected=f"what {path} promises",
            found="more columns, or an order of their own",
            advice="Run `python -m jobs.export freeze`: what is only added needs no new version.",
        )


def require_kept(export: Export, promised: dict[str, Any], actual: dict[str, Any], *, may_reword: bool = False) -> None:
    """Raise ContractError that names both ways out where a reader of ``promised`` would be broken."""
    broken = breaking_changes(promised, actual, may_reword=may_reword)
    if broken:
        raise ContractError(
            f"export {export.name}",
            expected=f"what version {export.version} has promised its readers",
            found="; ".join(broken),
            advice=f"Either restore {export.table.name}; or give readers a new version beside the old one: raise the version of "
            f"{export.name} in jobs/export/exports.py and run `python -m jobs.export freeze`. New words for the same meaning: "
            "`python -m jobs.export freeze --reworded`.",
        )


def freeze(export: Export, folder: Path = CONTRACTS, *, may_reword: bool = False) -> Path:
    """Write the schema of an export; raises ContractError when a frozen one of the same version promised more."""
    path, actual = contract_path(export, folder), schema_document(export)
    if path.exists():
        require_kept(export, json.loads(path.read_text(encoding="utf-8")), actual, may_reword=may_reword)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(actual, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def write_audience(store: Store, name: str, whom: str, release_id: str | None, out: TextIO) -> str:
    """Write one audience of a release (None: the current one) in the form that ``whom`` takes; returns what was written, in words."""
    release, form = named(store, release_id), FORMS[whom]
    rows = rows_of(store, release, form.channel)
    written = write_lines(lines(rows, form, name), form, out)
    others = "" if written else f" Audiences of {form.channel} with anybody in them: {', '.join(audiences(rows, form)) or 'none'}."
    return f"{written} lines of audience {name} for {whom}, release {release.id}.{others}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer the command line; every export is looked at before the exit code says that one is broken."""
    options = _parser().parse_args(arguments)
    if options.command == "audience":
        return _audience(options)
    code = 0
    for export in exports():
        try:
            if options.command == "check":
                check(export)
            else:
                sys.stdout.write(f"{freeze(export, may_reword=options.reworded)}\n")
        except TradewindError as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            code = error.exit_code
    return code


def _audience(options: argparse.Namespace) -> int:
    try:
        store = Store.from_settings(Settings.from_environment())
        sys.stderr.write(f"{write_audience(store, options.name, options.whom, options.release, sys.stdout)}\n")
    except TradewindError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jobs.export", description="The promises of the exports, and audiences.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="hold every export to what its version has promised")
    frozen = commands.add_parser("freeze", help="write docs/contracts/<export>.v<version>.json")
    frozen.add_argument("--reworded", action="store_true", help="the meanings are as they were, in other words")
    audience = commands.add_parser("audience", help="write who may be addressed, as CSV on standard output")
    audience.add_argument("name", help="the audience: a tag that is declared for the channel")
    audience.add_argument("--for", dest="whom", choices=FORMS, required=True, help="who takes the file")
    audience.add_argument("--release", help="a release (default: the current one)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
