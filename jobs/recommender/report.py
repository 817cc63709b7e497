"""What a person reads before a candidate serves: the decision, its figures next to the rivals', and where to look further. Markdown."""

from collections.abc import Mapping

from jobs.estimate import Estimate
from jobs.recommender.evaluation import OF_LISTS
from jobs.recommender.gate import POPULARITY, Decision
from jobs.recommender.metrics import METRICS, K
from jobs.recommender.selection import CANDIDATE, CHAMPION, SIDE_BY_SIDE

FIGURES = (*METRICS, *(f"{name}_at_{K}" for name in OF_LISTS))
"""The lines of the table, each a name of ``Verdict.metrics``, where known; a rival's carries its name before it."""


def markdown(decision: Decision, metrics: Mapping[str, float], serving: str | None, run_id: str, address: str | None) -> str:
    """The report of one training, of whose figures an estimate stands with its interval of 95 %.

    ``serving`` is the version that serves, ``address`` the page of the MLflow run ``run_id``, None where MLflow is no server.
    """
    rivals = [name for name in (POPULARITY, CHAMPION) if f"{name}_{FIGURES[0]}" in metrics]
    of_rival = {POPULARITY: "popularity", CHAMPION: f"champion, version {serving}"}
    head = ["figure", CANDIDATE, *(of_rival[name] for name in rivals)]
    lines = [
        [figure, _cell(metrics, figure), *(_cell(metrics, f"{name}_{figure}") for name in rivals)]
        for figure in FIGURES
        if figure in metrics
    ]
    leads = [f"- lead over {of_rival[name]}, paired: {_estimate(metrics, f'lead_over_{name}').signed()}" for name in rivals]
    stays = f"version {serving} goes on serving" if serving else "popularity goes on serving"
    table = [head, ["---"] * len(head), *lines]
    return "\n\n".join(
        [
            decision.reason,
            "\n".join(f"| {' | '.join(line)} |" for line in table),
            "Over all users, in ndcg_at_10:",
            "\n".join(leads),
            _further(run_id, address),
            f"Approved, it serves from the next release on. Rejected, or without an answer in time, {stays}.",
        ]
    )


def _further(run_id: str, address: str | None) -> str:
    if address is None:
        return f"MLflow has the run `{run_id}` with the lists of some users next to each other, `{SIDE_BY_SIDE}`."
    return f"[The run in MLflow]({address}), and [the lists of some users next to each other]({address}/artifacts/{SIDE_BY_SIDE})."


def _cell(metrics: Mapping[str, float], name: str) -> str:
    return str(_estimate(metrics, name)) if f"{name}_low" in metrics else f"{metrics[name]:.4f}"


def _estimate(metrics: Mapping[str, float], name: str) -> Estimate:
    return Estimate(metrics[name], metrics[f"{name}_low"], metrics[f"{name}_high"])
