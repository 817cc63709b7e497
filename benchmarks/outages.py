"""``python -m benchmarks.outages``: what a job says, how it exits and whether the next attempt succeeds, entry by entry of the runbook.

Each rehearsal runs real tasks on a stack of its own (Postgres, object store; no MLflow, which is one of the outages): it breaks one thing,
runs a task, looks whether a reader sees anything of the failed attempt, does what the runbook says, and runs the task again. Needs root for
the small file systems that are filled (384 MB of memory); ``--only`` names single rehearsals, ``--logs`` keeps every job's output.
"""

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from jobs.catalog import REFINE, SCORE
from jobs.landing import MARKER, folder
from jobs.store import Store
from stack.health import await_healthy
from stack.object_store import NAME as OBJECT_STORE
from stack.postgres import NAME as POSTGRES
from stack.rehearsal.victims import drivers
from stack.services import BASE, Stack, temporary
from stack.settings import CHECKOUT, StackSettings
from tests.landed_day import events_of, land_events

DAY, NEXT_DAY = date(2029, 5, 7), date(2029, 5, 8)
BRONZE, SILVER, GOLD = (task.tables for task in REFINE)
STORE_MB, SCRATCH_MB = 64, 320
"""Sizes of the file systems; Spark copies its jars, 110 MB a driver, into its scratch; two drivers run at a time at most."""
SPARE_KB = 8
"""What is left free: enough to begin with, too little for a table."""
JOB_SECONDS = 900

EVERYTHING_WELL: Mapping[str, str] = {}

Outage = Callable[[Stack], AbstractContextManager[Mapping[str, str]]]


@dataclass(frozen=True)
class Attempt:
    """How one job ended: its exit code, what its result file says, and its whole output."""

    exit_code: int
    result: dict[str, object]
    output: str

    @property
    def last_words(self) -> str:
        """The message of a failure: what a person reads first."""
        error = self.result.get("error")
        if isinstance(error, dict):
            return "{type}: {subject}: expected {expected}; found {found}. {advice}".format_map(error)
        return next((line for line in reversed(self.output.splitlines()) if line.strip()), "(nothing)")[:300]


@dataclass(frozen=True)
class Rehearsal:
    """An outage, the task that meets it, and the exit code that it must lead to."""

    name: str
    tables: tuple[str, ...]
    outage: Outage
    exit_code: int
    breaks_at: str | None = None
    """Words in the job's log at which the outage begins; None: before the job starts."""
    others_write: bool = False
    """Whether somebody else writes the same layer meanwhile, so that it changes without the failed attempt."""
    day: date = DAY


def job(
    stack: Stack,
    tables: tuple[str, ...],
    run_id: str,
    attempt: int,
    *,
    logs: Path,
    changed: Mapping[str, str] = EVERYTHING_WELL,
    day: date = DAY,
) -> Iterator[str | Attempt]:
    """Run a task as a process of its own: yields its output line by line, then how it ended."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        interval = ["--start", str(day), "--end", str(day + timedelta(days=1)), "--run-id", run_id, "--attempt", str(attempt)]
        command = [sys.executable, "-u", str(CHECKOUT / "bin" / "spark_entry.py"), *tables, *interval, "--result", str(result)]
        environment = {**stack.environment(), **changed}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        lines = []
        for line in process.stdout or ():
            lines.append(line)
            yield line
        code = process.wait(timeout=JOB_SECONDS)
        said = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
        ended = Attempt(code, said, "".join(lines))
        (logs / f"{run_id}-{attempt}.log").write_text(ended.output, encoding="utf-8")
        yield ended


def ended(steps: Iterator[str | Attempt]) -> Attempt:
    """Let a job run to its end."""
    for step in steps:
        if isinstance(step, Attempt):
            return step
    raise RuntimeError("the job has no end")


def met(stack: Stack, rehearsal: Rehearsal, logs: Path) -> Attempt:
    """The task's attempt during the outage."""
    if rehearsal.breaks_at is None:
        with rehearsal.outage(stack) as changed:
            return ended(job(stack, rehearsal.tables, rehearsal.name, 1, changed=changed, logs=logs, day=rehearsal.day))
    with ExitStack() as broken:
        is_broken = False
        for step in job(stack, rehearsal.tables, rehearsal.name, 1, logs=logs, day=rehearsal.day):
            if isinstance(step, Attempt):
                return step
            if rehearsal.breaks_at in step and not is_broken:
                broken.enter_context(rehearsal.outage(stack))
                is_broken = True
    raise RuntimeError("the job has no end")


# outages: each yields the settings that the job is given instead of its own


def wrong(variable: str) -> Outage:
    """A login that the service refuses."""
    return lambda _: nullcontext({variable: "not-the-right-one"})


def stopped(service: str) -> Outage:
    """A service that is down."""

    @contextmanager
    def outage(stack: Stack) -> Iterator[Mapping[str, str]]:
        stack.supervisor._rpc.stopProcess(service, True)  # nobody else stops a single service
        try:
            yield {}
        finally:
            stack.supervisor.start(service)
            await_healthy(stack.supervisor, {service: stack.ailments()[service]}, timeout_seconds=60, report=lambda _: None)

    return outage


def absent(_: Stack) -> AbstractContextManager[Mapping[str, str]]:
    """MLflow, which was never started; asked once more instead of seven times, which takes minutes."""
    return nullcontext({"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"})


def full(folder: Callable[[Stack], Path]) -> Outage:
    """A file system without room: ballast takes all but a little of what is free."""

    @contextmanager
    def outage(stack: Stack) -> Iterator[Mapping[str, str]]:
        ballast = folder(stack) / "ballast"
        room = os.statvfs(folder(stack))
        with suppress(OSError), ballast.open("wb") as stream:  # a job that writes meanwhile may have taken the rest: then it is full too
            stream.write(b"\0" * max(0, room.f_bavail * room.f_frsize - SPARE_KB * 1024))
        try:
            yield {}
        finally:
            ballast.unlink()

    return outage


# bad days: an input that is wrong, late or overtaken, and what the runbook says to do about it


def landed(change: Callable[[bytes], bytes | None], name: str) -> Outage:
    """An object of the landed day as ``change`` makes it; None takes it away. Mended by landing it again."""

    @contextmanager
    def outage(stack: Stack) -> Iterator[Mapping[str, str]]:
        services = stack.job_settings_read()
        store, key = Store.from_settings(services), folder(services.source, "events", DAY) + name
        whole = store.read(key) or b""
        changed = change(whole)
        if changed is None:
            store.delete([key])
        else:
            store.write(key, changed)
        try:
            yield EVERYTHING_WELL
        finally:
            store.write(key, whole)

    return outage


@contextmanager
def rejects(stack: Stack) -> Iterator[Mapping[str, str]]:
    """A tenth of the lines cannot be read; mended by landing the day again."""
    land_events(stack.job_settings_read(), DAY, *events_of(DAY, 36), *["{cut"] * 4)
    succeed(stack, BRONZE, "rejects")
    try:
        yield EVERYTHING_WELL
    finally:
        land_events(stack.job_settings_read(), DAY, *events_of(DAY, 40))
        succeed(stack, BRONZE, "no-rejects")


@contextmanager
def unrefined(stack: Stack) -> Iterator[Mapping[str, str]]:
    """A day that is to be scored before it was refined; mended by refining it."""
    try:
        yield EVERYTHING_WELL
    finally:
        land_events(stack.job_settings_read(), NEXT_DAY, *events_of(NEXT_DAY, 40))
        for tables in (BRONZE, SILVER, GOLD):
            succeed(stack, tables, "refined-at-last", day=NEXT_DAY)


@contextmanager
def overtaken(stack: Stack) -> Iterator[Mapping[str, str]]:
    """Another run of the same task, which begins later and publishes first."""
    slow = drivers(stack.env_file)
    for process in slow:
        process.suspend()
    try:
        succeed(stack, SILVER, "overtaker")
    finally:
        for process in slow:
            process.resume()
    yield EVERYTHING_WELL


@contextmanager
def killed(stack: Stack) -> Iterator[Mapping[str, str]]:
    """The driver, by the kernel, as when memory is short."""
    for process in drivers(stack.env_file):
        process.kill()
    yield EVERYTHING_WELL


def succeed(stack: Stack, tables: tuple[str, ...], run_id: str, *, day: date = DAY) -> None:
    """A task that has to go well; raises RuntimeError when it does not."""
    with tempfile.TemporaryDirectory() as logs:
        how = ended(job(stack, tables, f"{run_id}-{tables[0]}", 1, logs=Path(logs), day=day))
    if how.exit_code != 0:
        raise RuntimeError(f"{run_id}: exit {how.exit_code}, {how.last_words}")


REHEARSALS = (
    Rehearsal("misspelt-setting", BRONZE, lambda _: nullcontext({"TRADEWIND_BUKET": "lake"}), 65),
    Rehearsal("marker-missing", BRONZE, landed(lambda _: None, MARKER), 75),
    Rehearsal("file-cut-off", BRONZE, landed(lambda whole: whole[:-12], "part-00000.jsonl.gz"), 65),
    Rehearsal("too-many-rejects", SILVER, rejects, 65),
    Rehearsal("overtaken", SILVER, overtaken, 75, breaks_at="silver.events: ", others_write=True),
    Rehearsal("killed", SILVER, killed, -9, breaks_at="silver.events: "),
    Rehearsal("wrong-s3-secret-key", BRONZE, wrong("TRADEWIND_S3_SECRET_KEY"), 65),
    Rehearsal("wrong-s3-access-key", BRONZE, wrong("TRADEWIND_S3_ACCESS_KEY"), 65),
    Rehearsal("wrong-catalog-password", BRONZE, wrong("TRADEWIND_CATALOG_PASSWORD"), 65),
    Rehearsal("missing-bucket", BRONZE, wrong("TRADEWIND_BUCKET"), 65),
    Rehearsal("object-store-stopped", BRONZE, stopped(OBJECT_STORE), 69),
    Rehearsal("object-store-full", BRONZE, full(lambda stack: stack.object_store.objects), 69),
    Rehearsal("postgres-stopped", BRONZE, stopped(POSTGRES), 69),
    Rehearsal("scratch-full", BRONZE, full(lambda stack: stack.state / "scratch"), 69),
    Rehearsal("scratch-full-in-mid-run", SILVER, full(lambda stack: stack.state / "scratch"), 69, breaks_at="silver.events: "),
    Rehearsal("object-store-full-in-mid-run", SILVER, full(lambda stack: stack.object_store.objects), 69, breaks_at="silver.events: "),
    Rehearsal("postgres-stopped-in-mid-run", SILVER, stopped(POSTGRES), 69, breaks_at="silver.events: "),
    Rehearsal("mlflow-stopped", SCORE.tables, absent, 69),
    Rehearsal("not-refined", SCORE.tables, unrefined, 65, others_write=True, day=NEXT_DAY),
)


def unmount(folder: Path) -> None:
    """Take a small file system away, also when a process that is about to end still looks at it."""
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def small_file_systems(stack: Stack) -> Iterator[None]:
    """Object store and scratch on file systems that are quickly full."""
    with ExitStack() as mounted:
        for folder, size in ((stack.state / "objects", STORE_MB), (stack.state / "scratch", SCRATCH_MB)):
            folder.mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", str(folder)], check=True)
            mounted.callback(unmount, folder)
        (stack.state / "objects").chmod(0o700)
        yield


def seen(stack: Stack, layer: str) -> list[str]:
    """What a reader can see of a layer: the published snapshot of each table that has one, by the catalog's own table."""
    import psycopg  # noqa: PLC0415  (only this looks past the catalog)

    login = stack.credentials.postgres_roles["lake"]
    with psycopg.connect(host="127.0.0.1", port=stack.ports.postgres, user="lake", password=login, dbname="lake") as connection:
        rows = connection.execute("SELECT table_namespace, table_name, metadata_location FROM iceberg_tables ORDER BY 1, 2").fetchall()
    heads = {f"{namespace}.{name}": head_of_main(stack, location) for namespace, name, location in rows if namespace == layer}
    return [f"{name} {head}" for name, head in heads.items() if head]


def head_of_main(stack: Stack, location: str) -> int | None:
    """The published snapshot in a table's metadata file; branches of attempts do not count."""
    content = Store.from_settings(stack.job_settings_read()).read(location.split("/", 3)[3])
    head: int | None = json.loads(content or b"{}").get("refs", {}).get("main", {}).get("snapshot-id")
    return head


def rehearse(stack: Stack, rehearsal: Rehearsal, logs: Path) -> bool:
    """Break, run, look, mend, run again; prints what happened and returns whether it is what it should be."""
    layer = rehearsal.tables[0].partition(".")[0]
    before = seen(stack, layer)
    failed = met(stack, rehearsal, logs)
    unchanged = rehearsal.others_write or seen(stack, layer) == before
    if rehearsal.outage is absent:
        stack.start(names=("mlflow",))
    again = ended(job(stack, rehearsal.tables, rehearsal.name, 2, logs=logs, day=rehearsal.day))
    is_well = (failed.exit_code, unchanged, again.exit_code) == (rehearsal.exit_code, True, 0)
    print(f"{rehearsal.name}: exit {failed.exit_code}, {'nothing' if unchanged else 'SOMETHING'} visible, then exit {again.exit_code}")
    print(f"  {failed.last_words}\n", flush=True)
    return is_well


def main() -> int:
    """Rehearse; returns the number of outages that did not go as they should."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outages", description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], choices=[rehearsal.name for rehearsal in REHEARSALS], metavar="NAME")
    parser.add_argument("--logs", type=Path, help="folder that keeps every job's output")
    options = parser.parse_args()
    chosen = [rehearsal for rehearsal in REHEARSALS if not options.only or rehearsal.name in options.only]
    settings = StackSettings.from_environment()
    stack = temporary(settings.local_dir / "test-stacks" / f"{os.getpid()}-{secrets.token_hex(3)}", settings)
    logs = options.logs or Path(tempfile.mkdtemp(prefix="tradewind-outages-"))
    logs.mkdir(parents=True, exist_ok=True)
    with small_file_systems(stack):
        try:
            stack.start(names=BASE)
            land_events(stack.job_settings_read(), DAY, *events_of(DAY, 40))
            layers = (BRONZE, SILVER, GOLD)
            needed = max(layers.index(rehearsal.tables) if rehearsal.tables in layers else len(layers) for rehearsal in chosen)
            for task in layers[: max(1, needed)]:
                first = ended(job(stack, task, "before", 1, logs=logs))
                if first.exit_code != 0:
                    print(f"the day before any outage: exit {first.exit_code}, {first.last_words}; see {logs}")
                    return len(chosen)
            wrong_ones = sum(not rehearse(stack, rehearsal, logs) for rehearsal in chosen)
        finally:
            stack.remove()
    shutil.rmtree(stack.state, ignore_errors=True)  # where the small file systems were mounted
    return wrong_ones


if __name__ == "__main__":
    sys.exit(main())
