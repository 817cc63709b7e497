"""``python -m benchmarks.hybrid_and_members``: the hybrid beside each of its members in the synthetic shop, by time.

Models learn from the events up to the last week and are judged by what was wanted (bought, into the cart, on a wish list) in it and had not
been touched before. Writes ``benchmarks/hybrid_and_members.md``; exit 1 when the hybrid may be worse than its best member: when the lower
bound of the paired difference in ndcg_at_10 is not above -0.002.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import functions as F

from benchmarks.frames_of_days import generated, session
from benchmarks.movielens import table_of
from jobs.estimate import Estimate
from jobs.gold import interactions
from jobs.recommender.comparison import Comparison, compare
from jobs.recommender.evaluation import RELEVANT_TYPES
from jobs.recommender.models.hybrid import MEMBERS, HybridTrainer
from jobs.recommender.weights import Weighting, signals
from jobs.silver.events import EVENTS
from jobs.silver.order_lines import ORDER_LINES
from jobs.sources.source import load
from jobs.sources.synthetic.shop import Shop
from stack.settings import CHECKOUT

LAST, DAYS, ITEMS = date(2026, 6, 30), 42, 500
CUT = LAST - timedelta(days=7)
WEIGHTING = Weighting(half_life_days=30.0)
SEED, K = 17, 10
LEAST = -0.002


def main(arguments: Sequence[str] | None = None) -> int:
    """Generate the shop, compare, write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hybrid_and_members", description=__doc__)
    parser.add_argument("--users", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--to", type=Path, default=CHECKOUT / "benchmarks" / "hybrid_and_members.md", help="where the page goes")
    options = parser.parse_args(arguments)
    shop = Shop(users=options.users, items=ITEMS, days=DAYS, seed=options.seed, last_day=LAST)
    with tempfile.TemporaryDirectory(prefix="tradewind-hybrid-") as folder:
        spark = session()
        spark.sparkContext.setCheckpointDir(f"{folder}/checkpoints")
        frames = generated(spark, shop, load("synthetic"), Path(folder))
        rows = interactions.build(frames[EVENTS.name], frames[ORDER_LINES.name]).persist()
        wanted = rows.where((F.col("event_date") > F.lit(CUT)) & F.col("event_type").isin(*RELEVANT_TYPES))
        test = wanted.select("user_id", "item_id").distinct()
        found = compare(signals(rows, WEIGHTING, CUT), test, [*MEMBERS, HybridTrainer()], k=K, seed=SEED, tell=print)
        spark.stop()
    best, lead = lead_of_hybrid(found)
    page = as_page(shop, found, best, lead)
    options.to.write_text(page, encoding="utf-8")
    print(page)
    return 0 if lead.low > LEAST else 1


def lead_of_hybrid(found: Comparison) -> tuple[str, Estimate]:
    """The best of the other models, and what the hybrid is ahead of it by."""
    best = next(one.name for one in found.ranked() if one.name != HybridTrainer.name)
    return best, found.leads_over(best)[HybridTrainer.name]


def as_page(shop: Shop, found: Comparison, best: str, lead: Estimate) -> str:
    """The page, as Markdown."""
    counts = found.counts
    return "\n".join(
        [
            "# The hybrid and its members, by time",
            "",
            f"`python -m benchmarks.hybrid_and_members --users {shop.users} --seed {shop.seed}`: {shop.items} items, {shop.days} days, the",
            f"last week to be foretold; {counts.users} users with something new, {counts.cold_users} of them without an earlier event.",
            "",
            *table_of(found),
            "",
            f"The hybrid is ahead of its best member, {best}, by {lead.signed()}; at least {LEAST} is asked for.",
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
