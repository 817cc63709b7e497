"""Claims about splits that flatter: what is found, what is not, and what a person reads."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from jobs.recommender.__main__ import main
from jobs.recommender.comparison import Comparison, Contestant, ListFaults
from jobs.recommender.evaluation import Counts, Result
from jobs.recommender.leaks import flattered

DAY = 86_400


def judged(**ndcg: list[float]) -> Comparison:
    """A comparison in which each model's users have these figures."""
    users = [f"u{n}" for n in range(len(ndcg["popularity"]))]
    contestants = [
        Contestant(
            name,
            Result(pd.DataFrame({"user_id": users, "ndcg_at_10": values}), pd.Series(dtype=np.int64), 0.0, 0.0, 0.0, 0.0),
            ListFaults(0, 0, 0, 0, 0, 0),
            0.0,
            0.0,
        )
        for name, values in ndcg.items()
    ]
    return Comparison(Counts(len(users), 0, len(users), 1, 0, len(users)), {}, contestants, 10, 1)


def test_a_model_is_named_when_its_lead_over_popularity_surely_shrinks_and_the_worst_comes_first() -> None:
    users = 200
    leaking = judged(popularity=[0.3] * users, small=[0.35] * users, great=[0.6] * users, honest=[0.5] * users, gone=[0.9] * users)
    by_time = judged(popularity=[0.2] * users, small=[0.2] * users, great=[0.1] * users, honest=[0.39] * users)
    found = flattered(leaking, by_time)
    assert [one.name for one in found] == ["great", "small"]
    assert str(found[0]).startswith("great: leads popularity by +0.3000 [+0.3000, +0.3000] on this split, by -0.1000")


def test_an_unsure_difference_names_nobody() -> None:
    chance = np.random.default_rng(3)
    noise = chance.normal(0.0, 0.5, size=60).tolist()
    found = flattered(judged(popularity=[0.3] * 60, one=[0.35 + value for value in noise]), judged(popularity=[0.3] * 60, one=[0.3] * 60))
    assert found == []


def test_a_random_split_of_a_shop_with_seasons_is_told_for_what_it_is(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of four seasons has its own items: by time nobody can know the last one's, a random split has seen them."""
    monkeypatch.setattr("jobs.recommender.__main__.local_session", lambda _: spark)
    chance = np.random.default_rng(5)
    lines = [
        f"u{user:02},{season}-{user % 3}-{item},{(season * 90 + int(chance.integers(90))) * DAY}"
        for season in range(4)
        for user in range(60)
        for item in chance.permutation(8)[:6]
    ]
    file, out = tmp_path / "shop.csv", tmp_path / "report.json"
    file.write_text("user_id,item_id,timestamp\n" + "\n".join(lines) + "\n", encoding="utf-8")
    arguments = ["compare", "--input", str(file), "--models", "item_neighbours", "--out", str(out)]
    assert main([*arguments, "--split", "random"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "leak: of 60 users a line to learn from is younger than one to be judged on" in said
    assert "leak: item_neighbours: leads popularity by +" in said
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["users_learnt_from_later"] == 60
    assert (
        report["models"]["item_neighbours"]["ndcg_at_10"]["low"]
        > 0.5
        > report["by_time"]["models"]["item_neighbours"]["ndcg_at_10"]["high"]
    )
    assert main([*arguments, "--split", "time"]) == 0
    assert "leak:" not in capsys.readouterr().out
