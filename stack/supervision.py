"""The supervisor: starts the services, restarts one that dies, rotates their logs. Spoken to over a Unix socket."""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast
from xmlrpc.client import Fault, ServerProxy  # nosec B411

import psutil
from supervisor.xmlrpc import SupervisorTransport

from stack.clean_start import end_group
from stack.credentials import write_private
from stack.errors import StackError
from stack.settings import CHECKOUT

LONGEST_SOCKET_PATH = 100
STOP_SECONDS = 30
PASSED_ON = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
"""Variables that the services inherit; everything else they are given by name, so that a shell's leftovers cannot change them."""


@dataclass(frozen=True)
class Program:
    """One service as the supervisor runs it; secrets go into ``environment`` or a file, never into ``command``."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    directory: Path | None = None
    user: str | None = None
    stop_signal: str = "TERM"
    stop_as_group: bool = True
    clean_start: bool = False
    """Whether a start first ends what a killed instance left behind."""

    def section(self, logs: Path, run: Path) -> str:
        """Its section of the supervisor's configuration."""
        memo = str(run / f"{self.name}.group")
        command = (sys.executable, "-m", "stack.clean_start", memo, *self.command) if self.clean_start else self.command
        environment = {"PYTHONPATH": str(CHECKOUT), **self.environment}
        lines = [
            f"[program:{self.name}]",
            f"command={' '.join(_quoted(part) for part in command)}",
            f"environment={','.join(f'{name}={_quoted(value)}' for name, value in environment.items())}",
            f"stopsignal={self.stop_signal}",
            f"stopasgroup={str(self.stop_as_group).lower()}",
            f"killasgroup={str(self.stop_as_group).lower()}",
            f"stdout_logfile={_escaped(logs / f'{self.name}.log')}",
            f"stopwaitsecs={STOP_SECONDS}",
            "autostart=false\nautorestart=true\nstartsecs=1\nstartretries=5\nredirect_stderr=true",
            "stdout_logfile_maxbytes=10MB\nstdout_logfile_backups=3",
        ]
        if self.directory:
            lines.append(f"directory={_escaped(self.directory)}")
        if self.user:
            lines.append(f"user={self.user}")
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class ProgramState:
    """What the supervisor knows about one service."""

    name: str
    state: str
    pid: int
    seconds_up: int


def _escaped(value: object) -> str:
    return str(value).replace("%", "%%")


def _quoted(value: str) -> str:
    quote = "'" if '"' in value else '"'
    if quote in value or "\n" in value:
        raise StackError(f"The supervisor cannot pass on a value with both kinds of quotes: {value[:20]}...", advice="Choose another one.")
    return f"{quote}{_escaped(value)}{quote}"


class Supervisor:
    """The supervisor of one state folder, running or not."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.logs = state / "logs"
        self.config = state / "run" / "supervisor.conf"
        socket = state / "run" / "supervisor.sock"
        if len(str(socket)) > LONGEST_SOCKET_PATH:  # the kernel's limit is 107 bytes; the supervisor appends its process id
            digest = hashlib.sha256(str(state).encode()).hexdigest()[:12]
            socket = Path(tempfile.gettempdir()) / f"tradewind-{os.getuid()}-{digest}.sock"
        self.socket = socket

    @property
    def _rpc(self) -> Any:
        return ServerProxy("http://127.0.0.1", transport=SupervisorTransport(None, None, f"unix://{self.socket}")).supervisor

    def is_running(self) -> bool:
        """Whether a supervisor answers on the socket."""
        try:
            return bool(self._rpc.getState()["statename"] == "RUNNING")
        except (OSError, HTTPException):
            return False

    def launch(self, programs: Sequence[Program]) -> None:
        """Start a supervisor with these programs, none of them started yet; raises ``StackError`` when it does not answer."""
        self.logs.mkdir(parents=True, exist_ok=True)
        write_private(self.config, self._configuration(programs))
        self.socket.unlink(missing_ok=True)
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {"TWSTACK_STATE": str(self.state)}
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.config)]
        done = subprocess.run(command, env=environment, cwd=self.state, capture_output=True, text=True, check=False, timeout=60)
        deadline = time.monotonic() + 20
        while not self.is_running():
            if done.returncode != 0 or time.monotonic() > deadline:
                raise StackError(
                    f"The supervisor did not start: {done.stderr.strip()}", advice=f"Its log is {self.logs / 'supervisord.log'}."
                )
            time.sleep(0.1)

    def _configuration(self, programs: Sequence[Program]) -> str:
        head = f"""[unix_http_server]
file={_escaped(self.socket)}
chmod=0700
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisord]
logfile={_escaped(self.logs / "supervisord.log")}
logfile_maxbytes=5MB
logfile_backups=1
pidfile={_escaped(self.config.with_name("supervisord.pid"))}
childlogdir={_escaped(self.logs)}
minfds=1024
umask=077
"""
        as_root = "user=root\n" if os.getuid() == 0 else ""
        return "\n".join([head + as_root, *(program.section(self.logs, self.config.parent) for program in programs)])

    def start(self, name: str) -> None:
        """Ask for one service; it may still be starting when this returns. One that runs already is left alone."""
        try:
            self._rpc.startProcess(name, False)
        except Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise StackError(
                    f"{name} did not start: {fault.faultString}.\n{self.last_lines(name)}", advice=self._log_advice(name)
                ) from None

    def states(self) -> dict[str, ProgramState]:
        """What runs, by name; empty when the supervisor itself does not."""
        try:
            infos = cast("list[dict[str, Any]]", self._rpc.getAllProcessInfo())
        except (OSError, HTTPException):
            return {}
        return {
            info["name"]: ProgramState(
                info["name"], info["statename"], info["pid"], max(0, info["now"] - info["start"]) if info["pid"] else 0
            )
            for info in infos
        }

    def last_lines(self, name: str, count: int = 20) -> str:
        """The end of a service's log."""
        path = self.logs / f"{name}.log"
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]) if path.exists() else "(it wrote no log)"

    def _log_advice(self, name: str) -> str:
        return f"The whole log is {self.logs / f'{name}.log'}."

    def stop(self, *, seconds: int = STOP_SECONDS + 15) -> None:
        """Stop the services in reverse order, then the supervisor; what outlives that is killed. Nothing to stop is no error."""
        pid_file = self.config.with_name("supervisord.pid")
        if self.is_running():
            pid = int(self._rpc.getPID())
            for name in reversed([name for name, entry in self.states().items() if entry.pid]):
                self._stop_one(name)
            self._rpc.shutdown()
            deadline = time.monotonic() + seconds
            while psutil.pid_exists(pid) and time.monotonic() < deadline:
                time.sleep(0.1)
        for memo in self.config.parent.glob("*.group"):  # what was killed hard leaves its children behind
            end_group(memo)
            memo.unlink()
        pid_file.unlink(missing_ok=True)
        self.socket.unlink(missing_ok=True)

    def _stop_one(self, name: str) -> None:
        try:
            self._rpc.stopProcess(name, True)
        except Fault as fault:
            if "NOT_RUNNING" not in fault.faultString:
                raise
