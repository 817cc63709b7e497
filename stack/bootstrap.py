"""Makes what everything else needs, on a machine that has only Python: Java, uv, the two environments, the jars. Standard library only.

Run again it does nothing: each part leaves a stamp, the hash of what it was made from.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack import jars, java
from stack.class_archive import ClassArchive
from stack.errors import StackError
from stack.settings import CHECKOUT, StackSettings
from stack.stamps import stamp_of

VERSIONS = ((3, 11), (3, 12), (3, 13))
"""Python versions that all pinned packages run on, the preferred one first."""
UV_PINS = CHECKOUT / "stack" / "requirements-uv.txt"
INSTALL_OPTIONS = ("--quiet", "--require-hashes", "--compile-bytecode")
"""Compiled once here: where Python writes no bytecode (PYTHONDONTWRITEBYTECODE, as in many images) each task would compile Great
Expectations, pandas and MLflow anew, which takes it 10 to 20 seconds on one core."""
LOCKS = {
    "jobs": (CHECKOUT / "requirements.txt", CHECKOUT / "requirements-dev.txt"),
    "airflow": (CHECKOUT / "dags" / "requirements.txt", CHECKOUT / "dags" / "requirements-dev.txt"),
}
PIP_TO_UV = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX", "PIP_CERT": "SSL_CERT_FILE"}
MIN_DISK_GB = 6.0

Report = Callable[[str], None]


@dataclass(frozen=True)
class Ready:
    """What the machine has after ``bootstrap``."""

    java: Path
    jobs_python: Path
    airflow_python: Path


def bootstrap(settings: StackSettings, report: Report = print) -> Ready:
    """Make what is missing; raises ``StackError`` with the command to run when something cannot be made here."""
    java_path = java.ensure(report)
    for name, locks in LOCKS.items():
        _environment(settings, name, locks, report)
    if jars.missing(settings.jars_dir, jars.pinned()):
        report("fetching the jars (170 MB)")
        jars.fetch(settings.jars_dir, java=java_path, ivy=jars.ivy_of(_pyspark(settings.jobs_env)))
    _class_archive(settings, java_path, report)
    return Ready(java_path, settings.jobs_env / "bin" / "python", settings.airflow_env / "bin" / "python")


def _class_archive(settings: StackSettings, java_path: Path, report: Report) -> None:
    archive = ClassArchive.of(settings)
    if archive is None or archive.is_current(java_path):
        return
    report("archiving Spark's classes, so that every task starts sooner (once, about 45 s)")
    if problem := archive.make(java_path, settings.jobs_env / "bin" / "spark-submit"):
        report(f"going on without the archive, tasks start later: {problem}")


def interpreter() -> Path:
    """The Python that the environments are made from; raises ``StackError`` when the machine has none that fits."""
    for major, minor in VERSIONS:
        if sys.version_info[:2] == (major, minor) and sys.prefix == sys.base_prefix:
            return Path(sys.executable)
        found = shutil.which(f"python{major}.{minor}")
        if found and _runs(found):
            return Path(found)
    if sys.version_info[:2] in VERSIONS:
        return Path(sys.executable)
    wanted = ", ".join(f"{major}.{minor}" for major, minor in VERSIONS)
    found = f"{sys.version_info[0]}.{sys.version_info[1]}"
    raise StackError(f"This is Python {found}.", advice=f"Install one of Python {wanted}, or put it on the PATH.")


def _runs(python: str) -> bool:
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


def _environment(settings: StackSettings, name: str, locks: Sequence[Path], report: Report) -> None:
    folder = settings.local_dir / "envs" / name
    stamp = folder / ".stamp"
    wanted = stamp_of([*locks, str(CHECKOUT), *INSTALL_OPTIONS])
    if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted and (folder / "bin" / "python").exists():
        return
    _require_disk(settings.local_dir)
    uv = _uv(settings.local_dir / "uv", report)
    began = time.monotonic()
    report(f"installing the environment of {name} (some hundred MB; the first time takes minutes)")
    stamp.unlink(missing_ok=True)
    if not (folder / "bin" / "python").exists():
        _run([*uv, "venv", "--quiet", "--clear", "--python", str(interpreter()), str(folder)], what=f"Making the environment of {name}")
    requirements = [part for lock in locks for part in ("-r", str(lock))]
    python = folder / "bin" / "python"
    install = [*uv, "pip", "install", *INSTALL_OPTIONS, "--python", str(python), *requirements]
    _run(install, what=f"Installing the packages of {name}")
    # The checkout itself, as an editable install would do it, without a build.
    (next(folder.glob("lib/python*/site-packages")) / "tradewind.pth").write_text(f"{CHECKOUT}\n", encoding="utf-8")
    stamp.write_text(wanted, encoding="ascii")
    report(f"the environment of {name} is ready ({time.monotonic() - began:.0f} s)")


def _uv(folder: Path, report: Report) -> list[str]:
    stamp, wanted = folder / ".stamp", stamp_of([UV_PINS])
    if not (stamp.is_file() and stamp.read_text(encoding="ascii") == wanted):
        report("installing uv")
        shutil.rmtree(folder, ignore_errors=True)
        pins = ["--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary=:all:", "-r", str(UV_PINS)]
        python = str(interpreter())
        if _has(python, "ensurepip"):
            _run([python, "-m", "venv", str(folder)], what="Making an environment for uv")
            _run([str(folder / "bin" / "python"), "-m", "pip", "install", *pins], what="Installing uv")
        elif _has(python, "pip"):  # Debian's Python without its venv package
            _run([python, "-m", "pip", "install", "--target", str(folder), *pins], what="Installing uv")
        else:
            raise StackError(f"{python} has neither ensurepip nor pip.", advice="Run: sudo apt-get install -y python3-venv")
        stamp.write_text(wanted, encoding="ascii")
    return [str(folder / "bin" / "uv")]


def _has(python: str, module: str) -> bool:
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def _run(command: list[str], *, what: str) -> None:
    environment = os.environ | {"UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": os.environ.get("UV_SYSTEM_CERTS", "true")}
    for pip_name, uv_name in PIP_TO_UV.items():
        if pip_name in os.environ:
            environment.setdefault(uv_name, os.environ[pip_name])
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-20:])
        raise StackError(f"{what} failed:\n{tail}\n", advice="If it was the network, run the same command again: what was fetched is kept.")


def _require_disk(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free / 1e9
    if free < MIN_DISK_GB:
        raise StackError(
            f"{folder} has {free:.1f} GB free, and {MIN_DISK_GB:g} GB are needed.",
            advice="Free some, or set TWSTACK_LOCAL_DIR to a folder with more.",
        )


def _pyspark(jobs_env: Path) -> Path:
    return next(jobs_env.glob("lib/python*/site-packages/pyspark"), jobs_env)
