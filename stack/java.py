"""Java for Spark, Ivy and the object store: found on the machine, or installed where apt allows it. Standard library only."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from stack.errors import StackError

SUPPORTED = (17, 21)
"""What Spark 4.1 runs on."""
PACKAGE = "openjdk-17-jre-headless"
JVM_FOLDER = Path("/usr/lib/jvm")
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


def find(jvm_folder: Path = JVM_FOLDER) -> Path | None:
    """The first supported ``java`` in JAVA_HOME, on the path or among the machine's packages; None when there is none."""
    return next((path for path in _candidates(jvm_folder) if major_version(path) in SUPPORTED), None)


def home(java: Path) -> Path:
    """The JAVA_HOME that a ``java`` belongs to."""
    return java.resolve().parent.parent


def major_version(java: Path) -> int | None:
    """17 for Java 17; None for what is no Java."""
    try:
        done = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(done.stderr + done.stdout)
    return int(match.group(1)) if match else None


def require() -> Path:
    """The ``java`` to use; raises ``StackError`` with the one command to run when there is none."""
    found = find()
    if found is None:
        raise StackError(f"There is no Java {' or '.join(map(str, SUPPORTED))} on this machine.", advice=f"Run: {_by_hand()}")
    return found


def ensure(report: Callable[[str], None]) -> Path:
    """The ``java`` to use, installed first where this machine has apt and the right to use it; else raises ``StackError``."""
    prefix = _apt_prefix()
    if find() is None and prefix is not None:
        report(f"Java is missing: installing {PACKAGE} with apt-get")
        for step in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", PACKAGE]):
            command = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *step]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            if done.returncode != 0:
                tail = "\n".join(done.stdout.splitlines()[-10:])
                raise StackError(f"apt-get {step[0]} failed:\n{tail}\n", advice=f"Run it by hand: {_by_hand()}")
    return require()


def _candidates(jvm_folder: Path) -> Iterator[Path]:
    java_home = os.environ.get("JAVA_HOME")
    if java_home:
        yield Path(java_home) / "bin" / "java"
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path)
    if jvm_folder.is_dir():
        yield from sorted(folder / "bin" / "java" for folder in jvm_folder.iterdir())


def _apt_prefix() -> list[str] | None:
    if shutil.which("apt-get") is None:
        return None
    if os.getuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
        return ["sudo", "-n"]
    return None


def _by_hand() -> str:
    if shutil.which("apt-get"):
        return f"sudo apt-get update && sudo apt-get install -y {PACKAGE}"
    if shutil.which("dnf"):
        return "sudo dnf install -y java-17-openjdk-headless"
    return "brew install openjdk@17" if shutil.which("brew") else "your package manager for OpenJDK 17, or set JAVA_HOME to one"
