"""``python -m stack.clean_start MEMO COMMAND...``: end what an earlier, killed instance of a service left behind, then become the service.

A killed scheduler leaves its workers and their Spark drivers running, a killed server its child with the port. They are found by the
process group that the supervisor gave the instance, which MEMO remembers; a service's own titles overwrite its environment.
"""

import os
import sys
from pathlib import Path

import psutil


def end_group(memo: Path) -> int:
    """Kill the members of the remembered process group and their descendants; the number killed, 0 without a memo."""
    if not memo.exists():
        return 0
    group, born = memo.read_text(encoding="ascii").split()
    if _is_another(int(group), float(born)):
        return 0
    doomed: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == int(group) and process.pid != os.getpid():
                doomed |= {member.pid: member for member in (*process.children(recursive=True), process)}
        except (psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            continue
    for process in doomed.values():
        process.kill()
    psutil.wait_procs(list(doomed.values()), timeout=10)
    return len(doomed)


def remember_group(memo: Path) -> None:
    """Write down this process' group, and when this process began: numbers are used again, moments are not."""
    memo.write_text(f"{os.getpgrp()} {psutil.Process().create_time()}", encoding="ascii")


def _is_another(leader: int, born: float) -> bool:
    try:
        return abs(psutil.Process(leader).create_time() - born) > 1
    except psutil.NoSuchProcess:
        return False


def main() -> None:
    """Replace this process by the command, once the earlier instance is gone."""
    memo, command = Path(sys.argv[1]), sys.argv[2:]
    if killed := end_group(memo):
        print(f"ended {killed} processes of an earlier instance", flush=True)
    remember_group(memo)
    os.execv(command[0], command)  # noqa: S606  (no shell is wanted)


if __name__ == "__main__":
    main()
