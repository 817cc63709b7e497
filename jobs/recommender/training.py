"""One training of the recommender: reads one set, leaves an MLflow run, a row of ops.decisions, and a champion when the gate opens.

Where a training is held (``context.hold``), what has passed the gate waits for ``approval.promote``.
"""

import logging
import sys
import tempfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark import StorageLevel
from pyspark.sql import functions as F

import jobs
from jobs import tracking
from jobs.context import Context
from jobs.contract import Table
from jobs.gold.interactions import INTERACTIONS
from jobs.gold.user_features import USER_FEATURES
from jobs.ops import decisions
from jobs.recommender import approval, champion, served_recommender
from jobs.recommender.artifacts import Artifacts, ChampionModel
from jobs.recommender.candidate import Candidate
from jobs.recommender.champion import FAMILY
from jobs.recommender.cut import cut
from jobs.recommender.house_rules import HouseRules
from jobs.recommender.popular import popular
from jobs.recommender.selection import Inputs, Search, judge
from jobs.recommender.served_recommender import ASKED, ServedRecommender
from jobs.silver.consents import CONSENTS
from jobs.silver.items import ITEMS
from jobs.silver.order_lines import ORDER_LINES
from jobs.silver.stock import STOCK

LOG = logging.getLogger("tradewind")

HISTORY_DAYS = 180
"""Days of interactions that a training reads; older ones weigh next to nothing."""

PACKAGES = ("numpy", "pandas", "pyarrow", "scipy", "pyspark")
"""What a reader of the logged model has to install; of pyspark only its Python part is imported, no Java is needed."""

MORE_PACKAGES = {"hybrid": ("xgboost-cpu" if sys.platform == "linux" else "xgboost",), "als": ("numba",)}
"""What readers of one model need beyond that; of ALS only who asks for thousands of lists at a time imports it."""

HOUSE_RULES = "house_rules"
"""Tag of a run: the rules under which its candidates were judged, as JSON."""

COLUMNS = (
    *(f"tags.{tracking.TAG}{name}" for name in ("as_of_date", "is_promoted", "champion_version")),
    "params.model",
    "metrics.ndcg_at_10",
    *(f"metrics.lead_over_{rival}{end}" for rival in ("popularity", "champion") for end in ("", "_low")),
    *(f"metrics.{name}_at_10" for name in ("coverage", "novelty", "serendipity")),
)
"""What the saved view of all trainings shows."""

_READ: tuple[Table, ...] = (INTERACTIONS, ORDER_LINES, ITEMS, USER_FEATURES)
_READ_WHERE_SENT: tuple[Table, ...] = (STOCK, CONSENTS)


def train(context: Context) -> dict[str, Any]:
    """Train on the set of the interval's last day; returns ``decision``, ``champion_version`` and ``metrics``.

    Of a candidate that awaits approval also ``awaits_approval`` (its version), ``question`` and ``report`` (Markdown): what a person is
    asked, and reads before the answer.

    Raises BadDataError when the day has no set. Too little data is no error: what serves goes on serving,
    and the decision says why.
    """
    day = context.interval.last_day
    taken = context.lake.read_set(day).snapshots
    snapshots = {table.name: taken[table.name] for table in (*_READ, *_READ_WHERE_SENT) if table.name in taken}
    rules = context.settings.recommender_rules
    inputs = inputs_of(context, snapshots, day, rules)
    seen = inputs.interactions.agg(F.min("event_date").alias("first_day")).first()
    first_day = seen["first_day"] if seen and seen["first_day"] else day
    tracker = tracking.connect(context.settings)
    serving = champion.load(context)
    candidate = None
    with tracker.training(
        FAMILY,
        run_id=context.run_id,
        attempt=context.attempt,
        code_version=context.code_version,
        as_of=day,
        window=(first_day, day),
        columns=COLUMNS,
    ) as run:
        run.log_inputs(snapshots)
        tried = Search(trials=context.settings.recommender_trials)
        verdict = judge(run, inputs, cut(first_day, day), serving, tried, hold=context.hold)
        decision = verdict.decision
        run.log_metrics(verdict.metrics)
        run.log_text(decision.reason + "\n", "decision.txt")
        if verdict.candidate and (decision.is_promoted or decision.awaits_approval):
            waits = {tracking.AWAITS_APPROVAL: decision.reason} if decision.awaits_approval else {}
            candidate = _register(context, tracker, run, _refit(inputs, verdict.candidate, day, serving), waits)
        version = candidate if decision.is_promoted else serving.version if serving else None
        run.tag(
            {
                "is_promoted": str(decision.is_promoted).lower(),
                "champion_version": version or tracking.NO_VERSION,
                tracking.RIVAL: serving.version if serving else tracking.NO_VERSION,
                "trials": str(tried.trials),
                HOUSE_RULES: rules.model_dump_json(),
                "fingerprint": verdict.fingerprint or "none",
            }
        )
    if candidate and decision.is_promoted:
        tracker.set_champion(FAMILY, candidate, decision.reason)
    inputs.interactions.unpersist()
    LOG.info("%s: %s", FAMILY, decision.reason)
    row = decisions.decision(
        FAMILY,
        day,
        candidate=candidate,
        champion=version,
        is_promoted=decision.is_promoted,
        reason=decision.reason,
        metrics=verdict.metrics,
    )
    context.lake.append_rows(decisions.DECISIONS, [row])
    result: dict[str, Any] = {"decision": decision.reason, "champion_version": version, "metrics": dict(verdict.metrics)}
    if candidate and decision.awaits_approval:
        result |= approval.asked(run, verdict, candidate=candidate, name=tracker.name(FAMILY), serving=version, day=day)
    return result


def inputs_of(context: Context, snapshots: Mapping[str, int], day: date, rules: HouseRules) -> Inputs:
    """What a training on ``day`` reads, as the named snapshots of the tables hold it; a table without one is empty.

    Stock and consents are left out where the set has none: a shop that sends neither pays for neither.
    """
    interactions, order_lines, items, features = (
        context.lake.read(table, snapshot_id=snapshots[table.name])
        if table.name in snapshots
        else context.spark.createDataFrame([], table.struct())
        for table in _READ
    )
    stock, consents = (
        context.lake.read(table, snapshot_id=snapshots[table.name]) if table.name in snapshots else None for table in _READ_WHERE_SENT
    )
    recent = (F.col("event_date") > F.lit(day - timedelta(days=HISTORY_DAYS))) & (F.col("event_date") <= F.lit(day))
    recent_ones = interactions.where(recent).persist(StorageLevel.MEMORY_AND_DISK)
    return Inputs(recent_ones, order_lines, items, features, rules, stock, consents)


def _refit(inputs: Inputs, candidate: Candidate, day: date, serving: ChampionModel | None) -> Artifacts:
    """The winner, fitted once more on everything up to ``day``: the test days are too good to waste on a test.

    Here, and here alone, it may begin where the champion has ended: what is judged must not, for the champion has seen the test days.
    """
    personal = candidate.fit_from(inputs.interactions, day, serving.artifacts.personal if serving else None)
    return Artifacts(personal, popular(inputs.interactions, day), candidate, day.isoformat())


def _register(context: Context, tracker: tracking.Tracker, run: tracking.Run, model: Artifacts, waits: Mapping[str, str]) -> str:
    known = model.personal.item_ids[:2].to_pylist()
    somebody = {"user_id": "a user", "items": known, "weights": [1.0] * len(known), "times": [0] * len(known), "excluded": known[:1]}
    nobody = {"user_id": "a user without a history", **{name: [] for name in ASKED.names if name != "user_id"}}
    example = pd.DataFrame([somebody, nobody], columns=ASKED.names)
    with tempfile.TemporaryDirectory(prefix="tradewind-model-") as folder:
        model.write(Path(folder))
        uri = tracker.log_model(
            run,
            loader=Path(served_recommender.__file__),
            data=Path(folder),
            example=example,
            output=ServedRecommender(Path(folder)).predict(example),
            packages=(*PACKAGES, *MORE_PACKAGES.get(model.personal.name, ())),
            package=Path(jobs.__file__).parent,
        )
    tags = {"as_of_date": model.as_of_date, "run_id": context.run_id, "model": model.personal.name, "fingerprint": model.fingerprint()}
    return tracker.register(FAMILY, uri, {**tags, **waits})
