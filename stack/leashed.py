"""``python -m stack.leashed COMMAND...``: become the command, which dies with the process that started it."""

import os
import sys

from jobs.leash import die_with_parent


def main() -> None:
    """Put on the leash, which stays on when the process becomes another program."""
    die_with_parent()
    command = sys.argv[1:]
    os.execv(command[0], command)  # noqa: S606  (no shell is wanted)


if __name__ == "__main__":
    main()
