"""The jars: named in ``jars.toml``, fetched once by the Ivy that pyspark ships, checked by sha256. Standard library only.

``python -m stack.jars`` fetches them for an image, with the Ivy of the environment that runs it.
"""

import argparse
import hashlib
import importlib.util
import shutil
import subprocess
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from stack.errors import StackError

PINS = Path(__file__).with_name("jars.toml")
CHUNK_BYTES = 1 << 20

# Ivy's own name for the public Maven repository; no address is written here, so a machine's mirror settings stay in force.
IVY_SETTINGS = """<ivysettings>
  <settings defaultResolver="public"/>
  <caches defaultCacheDir={cache}/>
  <resolvers><ibiblio name="public" m2compatible="true"/></resolvers>
</ivysettings>
"""


@dataclass(frozen=True)
class Jar:
    """One pinned jar; ``spark`` says whether a Spark driver loads it."""

    organisation: str
    name: str
    revision: str
    sha256: str
    spark: bool
    classifier: str = ""

    @property
    def file_name(self) -> str:
        """The name of its file in the folder of jars."""
        return f"{self.name}-{self.revision}{'-' + self.classifier if self.classifier else ''}.jar"


def pinned(path: Path = PINS) -> tuple[Jar, ...]:
    """Every jar that the pins name, in their order."""
    return tuple(Jar(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["jar"])


def spark_jars(folder: Path) -> tuple[Path, ...]:
    """The files that go into ``spark.jars``."""
    return tuple(folder / jar.file_name for jar in pinned() if jar.spark)


def object_store_jar(folder: Path) -> Path:
    """The file of the object store, S3Proxy."""
    return next(folder / jar.file_name for jar in pinned() if jar.name == "s3proxy")


def sha256_of(path: Path) -> str:
    """The file's sha256, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def missing(folder: Path, jars: tuple[Jar, ...]) -> tuple[Jar, ...]:
    """The jars that the folder lacks. A file gets its name only after its sum was checked, so its presence is enough."""
    return tuple(jar for jar in jars if not (folder / jar.file_name).is_file())


def fetch(folder: Path, *, java: Path, ivy: Path, jars: tuple[Jar, ...] | None = None) -> tuple[Jar, ...]:
    """Bring the missing jars into ``folder`` and return them; raises ``StackError`` when one cannot be had or is not the pinned one."""
    wanted = missing(folder, pinned() if jars is None else jars)
    if not wanted:
        return ()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ivy-", dir=folder.resolve().parent) as scratch:  # Ivy wants absolute paths
        fetched = _run_ivy(Path(scratch), wanted, java=java, ivy=ivy)
        for jar in wanted:
            check(fetched / jar.file_name, jar)
            shutil.move(fetched / jar.file_name, folder / jar.file_name)
    return wanted


def check(path: Path, jar: Jar) -> None:
    """Raise ``StackError`` unless the file is there and has the pinned sum."""
    found = sha256_of(path) if path.is_file() else "no file"
    if found != jar.sha256:
        raise StackError(
            f"{jar.file_name} is not the pinned jar: expected sha256 {jar.sha256}, found {found}.",
            advice="Nothing was installed. Try again; if it happens again, compare the sum with the project's release page.",
        )


def _run_ivy(scratch: Path, jars: tuple[Jar, ...], *, java: Path, ivy: Path) -> Path:
    settings, module = scratch / "settings.xml", scratch / "ivy.xml"
    settings.write_text(IVY_SETTINGS.format(cache=quoteattr(str(scratch / "cache"))), encoding="utf-8")
    module.write_text(_ivy_module(jars), encoding="utf-8")
    # fmt: off
    command = [
        str(java), "-jar", str(ivy), "-settings", str(settings), "-ivy", str(module), "-confs", "default",
        "-retrieve", f"{scratch}/lib/[artifact]-[revision](-[classifier]).[ext]",
    ]
    # fmt: on
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        tail = "\n".join([line for line in done.stdout.splitlines() if line.strip() and not line.startswith("\tat ")][-15:])
        raise StackError(f"Fetching the jars failed:\n{tail}", advice="Check the network, then run the same command again.")
    return scratch / "lib"


def _ivy_module(jars: tuple[Jar, ...]) -> str:
    lines = [
        '<ivy-module version="2.0" xmlns:m="http://ant.apache.org/ivy/maven">',
        '<info organisation="tradewind" module="jars"/>',
        '<configurations><conf name="default"/></configurations>',
        "<dependencies>",
    ]
    for jar in jars:
        classifier = f" m:classifier={quoteattr(jar.classifier)}" if jar.classifier else ""
        lines += [
            f"<dependency org={quoteattr(jar.organisation)} name={quoteattr(jar.name)} rev={quoteattr(jar.revision)}"
            ' transitive="false" conf="default->master">',
            f'<artifact name={quoteattr(jar.name)} type="jar" ext="jar"{classifier}/>',
            "</dependency>",
        ]
    return "\n".join([*lines, "</dependencies>", "</ivy-module>"])


def ivy_of(pyspark: Path) -> Path:
    """The Ivy in PySpark's folder; raises ``StackError`` when there is none."""
    found = sorted(pyspark.glob("jars/ivy-*.jar"))
    if not found:
        raise StackError(f"There is no Ivy in {pyspark}.", advice="Delete that environment, then run the same command again.")
    return found[-1]


def main() -> None:
    """Fetch the jars that Spark loads into one folder and the others into another."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    for name in ("java", "spark", "others"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    pyspark = importlib.util.find_spec("pyspark")
    if pyspark is None or pyspark.origin is None:
        raise SystemExit("error: this Python has no PySpark")
    for folder, is_for_spark in ((options.spark, True), (options.others, False)):
        wanted = tuple(jar for jar in pinned() if jar.spark == is_for_spark)
        fetched = fetch(folder, java=options.java, ivy=ivy_of(Path(pyspark.origin).parent), jars=wanted)
        print(f"{folder}: {', '.join(jar.file_name for jar in fetched)}")


if __name__ == "__main__":
    main()
