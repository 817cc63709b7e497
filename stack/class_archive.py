"""Spark's classes, loaded and verified once and mapped into memory from then on: the JVM's class data sharing (JEP 310, JEP 350).

A task on this machine lives half a minute, and a good part of that went into loading the same twenty thousand classes again. The archive
holds those that a short rehearsal uses. The JVM itself checks that Java and the jars are still those of the archive, and does without it
otherwise: a missing or stale archive costs time, never a result. Standard library only.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stack import jars, java
from stack.settings import CHECKOUT, StackSettings
from stack.stamps import stamp_of

REHEARSAL = CHECKOUT / "stack" / "class_archive_rehearsal.py"
JVM_OPTIONS = (
    "-XX:TieredStopAtLevel=1 -XX:Tier3BackEdgeThreshold=3000 -XX:-DontCompileHugeMethods "
    "-XX:+UseSerialGC -Xms1g -XX:ReservedCodeCacheSize=256m"
)
"""For drivers that live a minute on two cores: the optimising compiler would take a core for code that soon ends.

Without it the JVM keeps 48 MB for compiled code. A task fills that, and then the JVM spends a third of a core on sweeping it. Spark's
generated code is one long loop a partition, in methods of more than 8,000 bytes: by default the first is compiled after 60,000 rows and the
second never, and most partitions here have fewer rows (`silver.events` of the demonstration 61 seconds instead of 66). A heap that begins
at a gigabyte is not collected on the way there.
"""
SECONDS = 300
"""Longest rehearsal."""


@dataclass(frozen=True)
class ClassArchive:
    """The archive file, and the class path that it is for."""

    file: Path
    class_path: str

    @classmethod
    def of(cls, settings: StackSettings) -> "ClassArchive | None":
        """The archive of this machine's jobs; None where tasks run on a cluster, or PySpark is not installed yet."""
        found = sorted(settings.jobs_env.glob("lib/python*/site-packages/pyspark/jars"))
        if not found or not settings.spark_master.startswith("local"):
            return None
        # Folders on the class path spoil an archive, and Spark puts its configuration's before its own jars: so they are named before it.
        return cls(settings.jars_dir / "classes.jsa", ":".join([*map(str, jars.spark_jars(settings.jars_dir)), f"{found[-1]}/*"]))

    @property
    def driver_options(self) -> str:
        """The JVM options of a driver that uses the archive; without it they are no error."""
        return f"{JVM_OPTIONS} -XX:SharedArchiveFile={self.file} -Xlog:cds=off -Xlog:class+path=off"

    def is_current(self, java_path: Path) -> bool:
        """Whether the file was made for this Java and these jars."""
        stamp = self._stamp_file
        return self.file.is_file() and stamp.is_file() and stamp.read_text(encoding="ascii") == self.stamp(java_path)

    def make(self, java_path: Path, spark_submit: Path) -> str | None:
        """Rehearse and write the archive; returns what went wrong, None when nothing did. A failure leaves no file."""
        self._stamp_file.unlink(missing_ok=True)
        self.file.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix="rehearsal-") as scratch:
            # fmt: off
            command = [
                str(spark_submit), "--master", "local[2]", "--driver-class-path", self.class_path,
                "--conf", f"spark.driver.extraJavaOptions={JVM_OPTIONS} -XX:ArchiveClassesAtExit={self.file} -Xlog:cds=off",
                "--conf", "spark.ui.enabled=false", "--conf", f"spark.local.dir={scratch}", str(REHEARSAL), scratch,
            ]
            # fmt: on
            python = spark_submit.parent / "python"
            environment = os.environ | {"JAVA_HOME": str(java.home(java_path)), "PYSPARK_PYTHON": str(python), "SPARK_CONF_DIR": scratch}
            try:
                done = subprocess.run(
                    command,
                    cwd=scratch,
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    check=False,
                    timeout=SECONDS,
                )
            except subprocess.TimeoutExpired:
                return f"the rehearsal took more than {SECONDS} s"
        if done.returncode != 0 or not self.file.is_file():
            self.file.unlink(missing_ok=True)
            return "\n".join(done.stdout.splitlines()[-5:])
        self._stamp_file.write_text(self.stamp(java_path), encoding="ascii")
        return None

    @property
    def _stamp_file(self) -> Path:
        return self.file.with_suffix(".stamp")

    def stamp(self, java_path: Path) -> str:
        """A hash of all that the archive depends on."""
        about = ((jar, jar.stat()) for jar in self._jars())
        files = (f"{jar} {found.st_size} {found.st_mtime_ns}" for jar, found in about)
        return stamp_of([REHEARSAL, str(java_path.resolve()), self.class_path, *files])

    def _jars(self) -> Iterator[Path]:
        for entry in self.class_path.split(":"):
            folder = Path(entry.removesuffix("/*"))
            yield from sorted(folder.glob("*.jar")) if entry.endswith("/*") else [folder]
