"""Claims about the report that a person reads before a candidate serves."""

from jobs.estimate import Estimate, flat
from jobs.recommender.gate import Decision
from jobs.recommender.report import FIGURES, markdown

DECISION = Decision(is_promoted=False, reason="Awaits approval: ease has more.", awaits_approval=True)
SUMMARY = dict.fromkeys(FIGURES, 0.5) | {"ndcg_at_10": Estimate(0.2, 0.1, 0.3)}
POPULAR = {f"popularity_{name}": value for name, value in SUMMARY.items()} | {"popularity_ndcg_at_10": Estimate(0.15, 0.1, 0.2)}
CHAMPION = {f"champion_{name}": value for name, value in SUMMARY.items()} | {"champion_coverage_at_10": 0.25}
LEADS = {"lead_over_popularity": Estimate(0.05, 0.01, 0.09), "lead_over_champion": Estimate(-0.01, -0.02, 0.03)}


def rows(report: str) -> dict[str, list[str]]:
    """The first cell of each line of the table -> the others."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in report.splitlines() if line.startswith("|")]
    return {first: rest for first, *rest in lines}


def test_the_table_has_a_column_for_each_recommender_and_an_interval_where_there_is_one() -> None:
    report = markdown(DECISION, flat({**SUMMARY, **POPULAR, **CHAMPION, **LEADS}), "3", "abc", "http://mlflow/#/experiments/1/runs/abc")
    table = rows(report)
    assert table["figure"] == ["candidate", "popularity", "champion, version 3"]
    assert table["ndcg_at_10"] == ["0.2000 [0.1000, 0.3000]", "0.1500 [0.1000, 0.2000]", "0.2000 [0.1000, 0.3000]"]
    assert table["coverage_at_10"] == ["0.5000", "0.5000", "0.2500"]
    assert set(table) == {"figure", "---", *FIGURES}
    assert report.startswith("Awaits approval: ease has more.\n\n|")
    assert "- lead over popularity, paired: +0.0500 [+0.0100, +0.0900]\n" in report
    assert "- lead over champion, version 3, paired: -0.0100 [-0.0200, +0.0300]\n" in report
    assert "(http://mlflow/#/experiments/1/runs/abc)" in report
    assert "(http://mlflow/#/experiments/1/runs/abc/artifacts/side_by_side.html)" in report
    assert report.endswith("version 3 goes on serving.")


def test_without_a_champion_and_a_server_there_is_neither_a_column_nor_a_link() -> None:
    report = markdown(DECISION, flat({**SUMMARY, **POPULAR, "lead_over_popularity": LEADS["lead_over_popularity"]}), None, "abc", None)
    assert rows(report)["figure"] == ["candidate", "popularity"]
    assert "](" not in report
    assert "the run `abc`" in report
    assert report.endswith("popularity goes on serving.")
