"""The figures of a training, for the page of its run."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from jobs.estimate import Estimate
from jobs.recommender.evaluation import TENTHS, Exam, Result, tenths
from jobs.recommender.gate import Evidence
from jobs.recommender.metrics import METRICS, K


def comparison(summaries: Mapping[str, Mapping[str, Estimate | float]]) -> Figure:
    """Every metric of every recommender with its interval."""
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / max(len(summaries), 1)
    for place, (name, summary) in enumerate(summaries.items()):
        found = [value for metric in METRICS if isinstance(value := summary[metric], Estimate)]
        errors = [[e.mean - e.low for e in found], [e.high - e.mean for e in found]]
        at = np.arange(len(METRICS)) + place * width
        axes.bar(at, [e.mean for e in found], width, yerr=np.abs(errors), capsize=3, label=name)
    axes.set_xticks(np.arange(len(METRICS)) + width * (len(summaries) - 1) / 2, [metric.removesuffix(f"_at_{K}") for metric in METRICS])
    axes.set_ylabel(f"mean over test users at {K}, 95 % interval")
    axes.legend()
    return figure


def search(names: Sequence[str], found: Sequence[Estimate]) -> Figure:
    """ndcg_at_10 of each candidate on the validation days, with its interval."""
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    axes = figure.subplots()
    errors = [[e.mean - e.low for e in found], [e.high - e.mean for e in found]]
    axes.errorbar([e.mean for e in found], range(len(found)), xerr=np.abs(errors), fmt="o", capsize=3)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("ndcg_at_10 on the validation days, 95 % interval")
    return figure


def popularity_calibration(results: Mapping[str, Result], exam: Exam) -> Figure:
    """How much of each recommender's places goes to each tenth of the catalogue, from the least to the best known items."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    for name, result in results.items():
        axes.plot(range(1, TENTHS + 1), tenths(result, exam), marker="o", label=name)
    axes.set_xlabel("tenth of the items by the users who knew them, 10 is the best known")
    axes.set_ylabel("share of recommended places")
    axes.legend()
    return figure


def leads_by_group(evidence: Evidence) -> Figure:
    """The candidate's lead over each rival within each group of test users, who are the same for all: a forest plot, one line a group."""
    leads = [evidence.leads(rival) for rival in evidence.rivals]
    figure = Figure(figsize=(9, 1.2 + 0.4 * len(leads[0])), layout="constrained")
    axes = figure.subplots()
    axes.axvline(0.0, color="grey", linewidth=1)
    for place, (rival, lines) in enumerate(zip(evidence.rivals, leads, strict=True)):
        found = [lead for _, _, lead in lines]
        errors = np.abs([[e.mean - e.low for e in found], [e.high - e.mean for e in found]])
        heights = np.arange(len(found)) + 0.2 * (place - (len(leads) - 1) / 2)
        axes.errorbar([e.mean for e in found], heights, xerr=errors, fmt="o", capsize=3, label=f"over {rival.label}")
    axes.set_yticks(range(len(leads[0])), [f"{name} ({users})" for name, users, _ in leads[0]])
    axes.invert_yaxis()
    axes.set_xlabel("lead in ndcg_at_10, 95 % interval")
    axes.legend()
    return figure
