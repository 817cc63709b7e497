"""What is submitted to Spark where a driver stays for the next task: FOLDER KEY NAME IDLE_SECONDS of the place where it waits.

It lies outside the package because Spark puts a submitted script's own folder first on the import path.
"""

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from jobs.entry import main
from jobs.leash import die_with_parent
from jobs.session import stop_session
from jobs.turns import Place, end_with_jvm, serve, write_to


def turn(arguments: Sequence[str]) -> int:
    """Run one task; the exit code that a process of its own would have had."""
    try:
        return main(arguments)
    except SystemExit as error:  # a command line that is none
        return error.code if isinstance(error.code, int) else 1
    except Exception:  # noqa: BLE001  (the end of the turn, as it would be that of a process)
        traceback.print_exc()
        return 1


if __name__ == "__main__":
    die_with_parent()
    folder, key, name, seconds = sys.argv[1:]
    place = Place(Path(folder), key, name)
    write_to(place.log)
    sys.exit(serve(place, turn, stop_session, idle_seconds=float(seconds), abandoned=end_with_jvm))
