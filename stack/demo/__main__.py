"""``python -m stack.demo``: land a shop's log, load its history, train, let the scheduler run the last day, and show what came out.

A second call finds what is there and does only what is missing. With ``--deployed`` the services are there already, as in
``docker/compose.yaml``; otherwise this machine's own are started.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from jobs.catalog import REFINE
from jobs.errors import TradewindError
from jobs.release import releases
from jobs.release.record import ReleaseKey
from jobs.reports import places
from jobs.sources.source import load
from stack.demo import landing, plan, summary, watching
from stack.demo.airflow_api import AirflowApi, Run
from stack.demo.counting import summed
from stack.errors import StackError
from stack.services import Stack, switch_to
from stack.settings import StackSettings
from stack.shop import DeployedShop, Shop, store_of

TRAININGS = ("train_recommender_weekly", "train_segments_weekly")
"""In the order in which they begin: the longest first, so that it gets the driver that waits."""
DAGS = ("load_history", *TRAININGS, "refine_daily", "release_daily")

FILE_WIDTH = 140
"""Characters a line where the output goes to a file, so that object keys stay whole."""


class Demo:
    """One demonstration; ``seconds`` grows by a phase at a time."""

    def __init__(self, options: argparse.Namespace, console: Console) -> None:
        self.options, self.console = options, console
        self.seconds: dict[str, float] = {}
        self.began = time.monotonic()

    def run(self) -> summary.Summary:
        """All phases; raises StackError with what to do when one fails."""
        shop, landed = self.land()
        days = plan.Plan.of_days(landing.days_there(shop), self.options.through)
        self.say(f"days: {f'{days.history} as history, then ' if days.history else ''}{days.last_day} for the scheduler")
        api = AirflowApi(shop.airflow_url, shop.airflow_user, shop.airflow_password)
        api.wait_for_dags(DAGS)
        loaded = []
        if days.history:
            interval = {"start": str(days.history.start), "end": str(days.history.end)}
            with self.phase("load the history"):
                run = self.start(api, "load_history", landed.run_id(f"{days.history.start}_{days.history.end}"), conf=interval)
                loaded.append(self.follow(api, run))
            with self.phase("train the models"):
                day = str(days.history.last_day)
                trainings = []
                for dag_id in TRAININGS:
                    trainings.append(self.start(api, dag_id, landed.run_id(day), conf={"day": day}))
                    watching.await_begun(api, trainings[-1])
                for training in trainings:
                    self.follow(api, training)
        key = str(days.last_day)
        with self.phase("refine the last day"):
            refined = self.follow(api, self.start(api, "refine_daily", landed.run_id(key), key=key))
        with self.phase("release it"):
            released = self.follow_release(api, key, refined)
        return self.summarise(shop, api, [*loaded, refined], released)

    def land(self) -> tuple[Shop, plan.Landing]:
        """Land the files; where the services are this machine's own, start them beside: landing needs the object store only."""
        options = self.options
        size = {"users": options.users, "items": options.items, "days": options.days}
        words = landing.command(options.source, options.input, options.through, size)
        asked: dict[str, Any] = {"source": options.source, "command": words[2:]}
        if options.input is None:  # a synthetic shop that was written before it had one of its feeds is written again
            asked["feeds"] = [feed.name for feed in load(options.source).feeds]
        wanted = plan.fingerprint(asked, options.input)
        if options.deployed:
            shop = DeployedShop.from_environment()
            with self.phase("land the files"):
                return shop, self.land_once(shop, shop.state, words, wanted)
        state = StackSettings.from_environment().local_dir / "shops" / options.shop
        with ThreadPoolExecutor(1) as beside, self.phase("start the services, land the files"):
            starting = beside.submit(switch_to, options.shop, options.source, self.say)
            landed = self.land_once(self.await_bucket(starting), state, words, wanted)
            return starting.result(), landed

    def land_once(self, shop: Shop, state: Path, words: list[str], wanted: str) -> plan.Landing:
        """Land what is ``wanted`` unless the last landing was of that; ``state`` keeps what was landed."""
        known = plan.Landing.recorded(state)
        landed = known.next(wanted)
        if landed == known:
            self.say("these files have landed already")
            return landed
        self.say("landing the files")
        landing.land(shop, words)
        landed.save(state)
        return landed

    def await_bucket(self, starting: Future[Stack]) -> Stack:
        """The shop's stack, as soon as its object store answers; raises what the start raises."""
        while not starting.done():
            try:
                stack = Stack.load(self.options.shop)
            except StackError:
                pass  # not prepared yet
            else:
                if landing.bucket_answers(stack):
                    return stack
            time.sleep(1)
        return starting.result()

    def start(self, api: AirflowApi, dag_id: str, run_id: str, *, conf: dict[str, str] | None = None, key: str | None = None) -> Run:
        """Start a run or find it."""
        run, had_succeeded = watching.start_or_find(api, dag_id, run_id, conf=conf, key=key)
        self.say(f"{dag_id} has done this already" if had_succeeded else f"{dag_id}: {api.url}/dags/{dag_id}")
        return run

    def follow(self, api: AirflowApi, run: Run) -> Run:
        """Wait for the end of a run; one that had succeeded before is not asked again."""
        return run if run.state == "success" else watching.follow(api, run, self.say)

    def follow_release(self, api: AirflowApi, key: str, refined: Run) -> Run:
        """Wait for the run that the refined day has started, and for its end."""
        run = watching.await_run_of_key(api, "release_daily", key, after=refined)
        if run.state == "success":
            self.say("the day has been released already")
            return run
        if run.state == "failed":
            api.start_over(run)
        return watching.follow(api, run, self.say)

    def summarise(self, shop: Shop, api: AirflowApi, runs: Sequence[Run], released: Run) -> summary.Summary:
        """Read back what the runs have left: their results, the release, its exports."""
        store, logins = store_of(shop), shop.logins()
        published = (api.result(released, "publish") or {}).get("ops.releases", {})
        release = releases.read(store, ReleaseKey.parse(published["release"]))
        current = releases.current(store)
        segments = summary.exported_rows(store, release, "user_segments")
        return summary.Summary(
            pages=[
                summary.Page("Airflow", shop.airflow_url, logins["airflow"]),
                summary.Page("MLflow", shop.mlflow_url, ""),
                summary.Page("quality of the tables", shop.pages_url, ""),
                summary.Page("report of the release", places.address(shop.pages_url, places.release_page(release.origin)), ""),
                summary.Page("exports (S3) and mart", shop.s3_endpoint, logins["reader"]),
            ],
            release=release,
            is_current=current is not None and current.id == release.id,
            counts=summed(api.result(run, task.name) for run in runs for task in REFINE),
            segments=summary.segment_sizes(summary.exported_rows(store, release, "segment_profiles")),
            users=summary.recommended(summary.exported_rows(store, release, "recommendations"), segments),
            seconds=self.seconds,
        )

    def say(self, line: str) -> None:
        """A line of progress, with the time since the start."""
        minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
        self.console.print(f"[{minutes:02d}:{seconds:02d}] {line}", markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure what happens inside."""
        self.say(f"== {name}")
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; 0 when it ended in a release, 1 with a message when a person has to act."""
    options = _parser().parse_args(arguments)
    options.shop = options.shop or options.source
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = FILE_WIDTH
    try:
        found = Demo(options, console).run()
    except (StackError, TradewindError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped here; the services and their runs go on. The same command finds them again.\n")
        return 130
    for table in summary.as_tables(found):
        console.print(table)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stack.demo", description=__doc__)
    parser.add_argument("--source", default=landing.SYNTHETIC, help="a source of jobs/sources (default: synthetic)")
    parser.add_argument("--shop", help="name of the shop; each has its own data (default: the source's name)")
    parser.add_argument("--input", type=Path, help="file or folder of the source's files; none for the synthetic shop")
    parser.add_argument("--through", type=date.fromisoformat, help="last day, YYYY-MM-DD (default: the files' last; synthetic: 2026-06-30)")
    parser.add_argument("--deployed", action="store_true", help="on services that run already and that the environment names")
    parser.add_argument("--users", type=int, default=2_000, help="users of the synthetic shop")
    parser.add_argument("--items", type=int, default=500, help="its items")
    parser.add_argument("--days", type=int, default=35, help="its days")
    return parser


if __name__ == "__main__":
    sys.exit(main())
