"""What a process and its children take: memory, sampled from outside, and processor time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

SECONDS = 0.25
MB = 1 << 20


@dataclass
class Peak:
    """Resident memory in MB: at most of the whole tree at one moment, of a JVM, and of the largest Python worker."""

    whole: float = 0.0
    jvm: float = 0.0
    worker: float = 0.0

    def sample(self, process: psutil.Process) -> None:
        """Look once; a process that has just ended is passed over."""
        sizes = {"whole": 0.0, "jvm": 0.0, "worker": 0.0}
        for one in [process, *process.children(recursive=True)]:
            try:
                size, name, command = one.memory_info().rss / MB, one.name(), one.cmdline()
            except psutil.Error:
                continue
            is_java = any(word.endswith("/java") for word in command[:1])
            if is_java and name != "java":  # a thread that is starting a process: the JVM's own memory once more
                continue
            sizes["whole"] += size
            if is_java:
                sizes["jvm"] = max(sizes["jvm"], size)
            elif any("worker" in word or "pyspark.daemon" in word for word in command):
                sizes["worker"] = max(sizes["worker"], size)
        for what, size in sizes.items():
            setattr(self, what, max(getattr(self, what), size))


def cpu_seconds() -> float:
    """Processor time of this process and everything that it has started so far, what has ended included.

    On a machine that does other work too it says more than the clock.
    """
    here = psutil.Process()
    total = 0.0
    for one in [here, *here.children(recursive=True)]:
        try:
            times = one.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


@contextmanager
def watched(pid: int) -> Iterator[Peak]:
    """Sample the tree below ``pid`` as long as the block runs."""
    peak, over = Peak(), threading.Event()

    def look() -> None:
        while not over.wait(SECONDS):
            try:
                peak.sample(psutil.Process(pid))
            except psutil.NoSuchProcess:
                return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()
