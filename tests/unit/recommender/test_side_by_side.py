"""Claims about the page of a training, without Spark."""

from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from jobs.estimate import Estimate
from jobs.recommender.evaluation import Counts, Exam, Result, tenths
from jobs.recommender.gate import POPULARITY, Decision, Evidence, Lists, Rival
from jobs.recommender.metrics import METRICS
from jobs.recommender.side_by_side import Sample, Shown, Training, chosen, page

LEAD = Estimate(0.05, 0.03, 0.07)


def result(ndcg: dict[str, float], shown: dict[str, int] | None = None) -> Result:
    per_user = pd.DataFrame({"user_id": list(ndcg), **{metric: list(ndcg.values()) for metric in METRICS}, "history_count": 1})
    return Result(per_user, pd.Series(shown or {"tea": 1}, dtype="int64"), 0.5, 2.0, 0.1, 0.3)


def exam(knowledge: dict[str, int]) -> Exam:
    counts = Counts(users=3, cold_users=1, relevant_pairs=4, relevant_items=2, cold_items=0, sampled_users=3)
    return cast("Exam", SimpleNamespace(knowledge=pd.Series(knowledge, dtype="int64"), counts=counts))


def test_the_greatest_gains_and_losses_are_shown_and_others_by_chance_each_once() -> None:
    ours = {f"u{n:02}": n / 20 for n in range(20)}
    found = chosen(result(ours), result(dict.fromkeys(ours, 0.475)))
    assert [user for user, why in found if why == "gains most"] == ["u19", "u18", "u17", "u16"]
    assert [user for user, why in found if why == "loses most"] == ["u00", "u01", "u02", "u03"]
    assert len({user for user, _ in found}) == len(found) == 12


def test_nobody_is_said_to_gain_who_does_not() -> None:
    assert {why for _, why in chosen(result({"u": 0.5}), result({"u": 0.5}))} == {"by chance"}


def test_places_are_counted_by_tenths_from_the_least_known_up() -> None:
    knowledge = {f"i{n}": n for n in range(10)}
    assert tenths(result({"u": 1.0}, {"i9": 3, "i0": 1}), exam(knowledge)) == pytest.approx([0.25, *[0.0] * 8, 0.75])


def test_the_page_tells_decision_figures_groups_and_lists_and_trusts_no_name() -> None:
    decision = Decision(True, "Promoted: als has it.")
    rival = Rival(POPULARITY, Lists(0.1, 3.0, 1.0), LEAD, {"segment new": (120, Estimate(-0.02, -0.03, -0.01))})
    evidence = Evidence("als", 3, LEAD, Lists(0.5, 2.0, 0.3), (rival,))
    results = {"candidate": result({"u": 1.0}), POPULARITY: result({"u": 0.5})}
    summaries: dict[str, dict[str, Any]] = {name: one.summary(17) for name, one in results.items()}
    tea, mug = Shown("tea", "<b>Tea</b>", is_right=True, because=("mug",)), Shown("mug", "", is_right=False)
    sample = Sample("u", "gains most", (mug,), (tea,), {"candidate": (tea, mug), POPULARITY: (mug,)}, {"candidate": 1.0, POPULARITY: 0.5})
    text = page("als", Training(decision, evidence, results, summaries, exam({"tea": 2, "mug": 1})), [sample])
    assert "Promoted: als has it." in text
    assert "&lt;b&gt;Tea&lt;/b&gt;" in text
    assert "<b>Tea" not in text
    assert text.count('<li class="right">') == 2, "on the candidate's list and among what was wanted"
    assert "because of mug" in text
    assert "segment new (120)" in text
    assert 'class="forest worse"' in text
    assert "+0.0500 [+0.0300, +0.0700]" in text
