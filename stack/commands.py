"""The commands of ``python -m stack`` that need the jobs' environment."""

import argparse
import shutil
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from stack import backup, services
from stack.errors import StackError
from stack.services import ALL, BASE, Stack
from stack.settings import StackSettings
from stack.supervision import Supervisor

Report = Callable[[str], None]


def run(arguments: argparse.Namespace, settings: StackSettings, report: Report) -> int:
    """Run the parsed command; the exit code."""
    match arguments.command:
        case "up":
            code = _print_status(services.up(arguments.shop, arguments.source or arguments.shop, report))
        case "restore":
            code = _print_status(_restored(arguments, settings, report))
        case "status":
            chosen = _chosen(arguments.shop, settings)
            code = _print_status(chosen) if chosen else _nothing_runs(report)
        case "logs":
            code = _print_logs(arguments, settings, report)
        case _:
            _do(arguments, settings, report)
            code = 0
    return code


def _do(arguments: argparse.Namespace, settings: StackSettings, report: Report) -> None:
    """What ends well or raises."""
    match arguments.command:
        case "down":
            services.down(arguments.shop, report)
        case "backup":
            stack = _chosen(arguments.shop, settings)
            if stack is None:
                raise StackError("No shop is running.", advice="Start the one that you mean: make up SHOP=<shop>")
            backup.backup(stack, arguments.to, report)
        case _:
            clean_data(settings, report)


def _nothing_runs(report: Report) -> int:
    report("nothing is running")
    return 0


def _restored(arguments: argparse.Namespace, settings: StackSettings, report: Report) -> Stack:
    """The shop as a backup says, with all its services started again; until that is done only databases and object store run."""
    backup.Manifest.read(arguments.folder)  # nothing is stopped for what is no backup
    if any(stack.shop == arguments.shop for stack in services.shops(settings)):
        services.down(arguments.shop, report)
    stack = services.up(arguments.shop, arguments.source or arguments.shop, report, names=BASE)
    backup.restore(stack, arguments.folder, report)
    stack.start(report)
    return stack


def clean_data(settings: StackSettings, report: Report) -> None:
    """Stop every stack and delete what the shops have stored; environments and jars stay."""
    for stack in services.shops(settings):
        report(f"stopping and removing {stack.state}")
        stack.remove()
    for state in sorted((settings.local_dir / "test-stacks").glob("*")):
        report(f"stopping and removing {state}")
        Supervisor(state).stop()
        shutil.rmtree(state, ignore_errors=True)
    shutil.rmtree(settings.local_dir / "shops", ignore_errors=True)


def _chosen(shop: str | None, settings: StackSettings) -> Stack | None:
    return Stack.load(shop, settings) if shop else services.running(settings)


def _print_status(stack: Stack) -> int:
    addresses = {
        "postgres": f"127.0.0.1:{stack.ports.postgres}",
        "object-store": stack.s3_endpoint,
        "mlflow": stack.mlflow_url,
        "pages": stack.pages_url,
        "airflow-api-server": f"{stack.airflow_url} (user {stack.airflow_user})",
    }
    states, sick = stack.supervisor.states(), stack.unhealthy()
    table = Table(title=f"shop {stack.shop}, source {stack.source}")
    for heading in ("service", "address", "health", "pid", "up"):
        table.add_column(heading, overflow="fold")
    for name in ALL:
        state = states.get(name)
        pid, up = (str(state.pid), f"{state.seconds_up} s") if state and state.pid else ("", "")
        table.add_row(name, addresses.get(name, ""), sick.get(name, "healthy"), pid, up)
    console = Console()
    console.print(table)
    places = {
        "logins": stack.credentials_file,
        "settings of jobs": stack.env_file,
        "logins of an analyst": stack.reader_file,
        "logs": stack.supervisor.logs,
    }
    for what, path in places.items():
        console.print(f"{what}: {path}", soft_wrap=True, highlight=False)
    return 1 if sick else 0


def _print_logs(arguments: argparse.Namespace, settings: StackSettings, report: Report) -> int:
    stack = _chosen(arguments.shop, settings) or next(services.shops(settings), None)
    if stack is None:
        report("there are no logs: no shop has been started yet")
        return 0
    if arguments.service and arguments.service not in ALL:
        raise StackError(f"There is no service {arguments.service}.", advice=f"The services: {', '.join(ALL)}.")
    for name in (arguments.service,) if arguments.service else ALL:
        report(f"==> {stack.supervisor.logs / f'{name}.log'} <==\n{stack.supervisor.last_lines(name, arguments.lines)}\n")
    return 0
