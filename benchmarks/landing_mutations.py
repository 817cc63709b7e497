"""Broken landing files by the thousand: kinds and outcomes, and that no promise broke.

``python -m benchmarks.landing_mutations --mutations 1000 --seed 1``; exit 1 when a mutant hung, raised a bare error, lost or misread a row.
Each mutant goes in twice, landed by ``jobs.land`` and delivered by the shop with its marker, so outcomes add up to twice the mutations.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence

from jobs.session import spark_session
from stack import java
from stack.settings import StackSettings
from tests.bronze_rows import SETTINGS
from tests.mutations.report import as_text, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the table, say what broke."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.landing_mutations", description="Seeded mutations of landing files.")
    parser.add_argument("--mutations", type=int, default=1_000, help="how many (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="of kinds, places and bytes (default: 1)")
    options = parser.parse_args(arguments)
    os.environ.setdefault("JAVA_HOME", str(java.home(java.require())))
    settings = SETTINGS.model_copy(update={"jars_dir": StackSettings.from_environment().jars_dir})
    began = time.monotonic()
    report = run(spark_session(settings, "landing mutations"), options.mutations, options.seed, is_thorough=True)
    print(as_text(report.rows()))
    print(
        f"{options.mutations:,} mutations of seed {options.seed} in {time.monotonic() - began:.0f} s: {len(report.broken)} promises broken"
    )
    for text in report.broken:
        print(f"  {text}")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
