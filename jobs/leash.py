"""A driver dies with the process that started it: what nobody waits for any more must not go on writing."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""Of Linux' ``prctl``: the signal that a process gets when its parent ends (see prctl(2))."""


def die_with_parent() -> None:
    """From now on the end of the parent ends this process, at once; nothing on systems other than Linux.

    ``spark-submit`` in client mode is a JVM with this Python as its child. When the JVM is killed, calls into it fail, but a step that
    needs no Spark, such as the commit of a release, would still go through.
    """
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended in between
        os.kill(os.getpid(), signal.SIGKILL)
