"""``python -m benchmarks.households DATA``: do the segments of a grocer's households say more of who lives there than chance?

``DATA`` is the folder of Dunnhumby's *The Complete Journey* as Parquet. Segments see purchases alone: the sample of transactions becomes
order lines, the products their catalogue, and the features of the last day are clustered by the code of the weekly training. Demographics,
which 801 households have told, are looked at afterwards.

Adjusted mutual information (Vinh, Epps & Bailey 2010) of each scheme with each attribute, in nats by their mean entropy: 0 is chance. The
interval holds 95 % of 500 draws of two thirds of the households without replacement (with replacement a household that is drawn twice
would agree with itself), widened to the whole. The permutation test deals the demographics anew to the households, all attributes of one
together, and asks how often a pair shares as much information as was found; and, so that nothing is picked, how often any pair of all is as
rare as that one (minP, Westfall & Young 1993, Resampling-Based Multiple Testing).

How taste looks along directions was worked out with these households in sight, so this is no blind test: it says that there is something to
find and that it is found.

Writes ``benchmarks/households.md``; exit 1 when no pair is better than chance (p among all pairs of 0.01 or more).
"""

import argparse
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from scipy.stats import rankdata
from sklearn.metrics import adjusted_mutual_info_score

from benchmarks.frames_of_days import session
from jobs.gold import user_features, user_segments
from jobs.gold.segment_profiles import SCHEMES
from jobs.segmentation import sample
from jobs.segmentation.sample import SEED
from jobs.segmentation.training import SEARCH, fit
from jobs.silver.events import EVENTS
from stack.settings import CHECKOUT

LAST = date(2018, 1, 1)
ATTRIBUTES = ("age", "income", "marital_status", "household_size", "household_comp", "kids_count", "home_ownership")
DRAWS, DEALS = 500, 10_000
LEAST_SURE = 0.01
"""p among all pairs below which a pair is better than chance."""

Codes = npt.NDArray[np.int64]


def purchases(spark: SparkSession, data: Path) -> DataFrame:
    """The sample as order lines; what a household paid and what the shop took off are of the whole line, so a line is one piece."""
    rows = pd.read_parquet(data / "transactions_sample.parquet")
    rows = rows[(rows["quantity"] > 0) & (rows["sales_value"] > 0)]
    off = rows["retail_disc"] + rows["coupon_match_disc"]
    days = pa.array(rows["transaction_timestamp"].dt.date)
    return spark.createDataFrame(
        pa.table(
            {
                "user_id": pa.array(rows["household_id"], pa.string()),
                "order_id": pa.array(rows["basket_id"], pa.string()),
                "item_id": pa.array(rows["product_id"], pa.string()),
                "ordered_date": days,
                "landed_date": days,
                "kind": pa.array(["sale"] * len(rows)),
                "quantity": pa.array([1] * len(rows), pa.int32()),
                "unit_price_minor": pa.array(((rows["sales_value"] + off) * 100).round().astype("int64")),
                "discount_minor": pa.array((off * 100).round().astype("int64")),
                "channel": pa.array([None] * len(rows), pa.string()),
            }
        )
    )


def catalogue(spark: SparkSession, data: Path) -> DataFrame:
    """The products as they were observed before the first day."""
    rows = pd.read_parquet(data / "products.parquet")
    days = pa.array([date(2016, 12, 31)] * len(rows))
    return spark.createDataFrame(
        pa.table(
            {
                "item_id": pa.array(rows["product_id"], pa.string()),
                "category_id": pa.array(rows["product_category"], pa.string()),
                "brand": pa.array(rows["brand"], pa.string()),
                "observed_date": days,
                "observed_at": days.cast(pa.timestamp("us", "UTC")),
                "landed_date": days,
                "source_file": pa.array(["products"] * len(rows)),
                "line_number": pa.array(range(len(rows)), pa.int64()),
            }
        )
    )


def segments(spark: SparkSession, data: Path) -> pd.DataFrame:
    """One row a household: the segment of each scheme."""
    no_events = spark.createDataFrame([], EVENTS.struct())
    features = user_features.build(no_events, purchases(spark, data), catalogue(spark, data), as_of=LAST).cache()
    model = fit(sample.draw(features, as_of=LAST, seed=SEED), as_of=LAST, seed=SEED, search=SEARCH).model
    built = user_segments.build(features, as_of=LAST, model=model).select("user_id", *SCHEMES.values())
    return built.toPandas().set_index("user_id")


def agreement(schemes: Mapping[str, Codes], attributes: Mapping[str, Codes]) -> dict[tuple[str, str], float]:
    """Adjusted mutual information of each scheme with each attribute, over the households that have told it (codes from 0)."""
    return {
        (scheme, name): float(adjusted_mutual_info_score(codes[told[name]], values[told[name]]))
        for told in [{name: values >= 0 for name, values in attributes.items()}]
        for scheme, codes in schemes.items()
        for name, values in attributes.items()
    }


def information(schemes: Mapping[str, Codes], attributes: Mapping[str, Codes]) -> list[float]:
    """Mutual information in nats of each scheme with each attribute, in the order of ``agreement``; scikit-learn's takes minutes."""
    found = []
    for codes in schemes.values():
        for values in attributes.values():
            told, width = values >= 0, int(values.max()) + 1
            both = np.bincount(codes[told] * width + values[told], minlength=(int(codes.max()) + 1) * width).reshape(-1, width) / told.sum()
            expected = both.sum(axis=1, keepdims=True) * both.sum(axis=0, keepdims=True)
            some = both > 0
            found.append(float((both[some] * np.log(both[some] / expected[some])).sum()))
    return found


def measured(schemes: Mapping[str, Codes], attributes: Mapping[str, Codes], seed: int = 1) -> pd.DataFrame:
    """A row a scheme and attribute: its adjusted mutual information with an interval, p by itself, and p among all pairs."""
    chance = np.random.default_rng(seed)
    found = agreement(schemes, attributes)
    households = len(next(iter(schemes.values())))
    drawn = []
    for _ in range(DRAWS):
        part = chance.choice(households, 2 * households // 3, replace=False)
        drawn.append(agreement(_of(schemes, part), _of(attributes, part)))
    spread = pd.DataFrame(drawn)
    # A part of two thirds, drawn without replacement, spreads by sqrt(1/2) of what the whole does (Politis, Romano & Wolf 1999).
    widths = spread.sub(spread.mean()) * np.sqrt(2)
    # What was found is the first of the deals.
    shared = [information(schemes, attributes)]
    shared += [information(schemes, _of(attributes, chance.permutation(households))) for _ in range(DEALS)]
    rarity = rankdata(-np.round(shared, 12), method="max", axis=0) / (1 + DEALS)
    rarest = rarity.min(axis=1)
    rows = [
        {
            "scheme": pair[0],
            "attribute": pair[1],
            "ami": value,
            "low": value + float(widths[pair].quantile(0.025)),
            "high": value + float(widths[pair].quantile(0.975)),
            "p": float(alone),
            "p_among_all": float((rarest <= alone).mean()),
        }
        for (pair, value), alone in zip(found.items(), rarity[0], strict=True)
    ]
    return pd.DataFrame(rows)


def page(table: pd.DataFrame, households: int, sizes: Mapping[str, int]) -> str:
    """The table, the most telling first, and the claim."""
    lines = [
        "# Segments and who lives there",
        "",
        f"`python -m benchmarks.households DATA`: {households} households of The Complete Journey with demographics, segments of their "
        f"purchases alone ({', '.join(f'{scheme} {count}' for scheme, count in sizes.items())}). Adjusted mutual information: 0 is chance; "
        f"the interval is of 95 %, p of {DEALS:,} permutations.",
        "",
        "| scheme | attribute | adjusted mutual information | p | p among all |",
        "|---|---|---|--:|--:|",
    ]
    ranked = table.sort_values(["p_among_all", "p", "ami"], ascending=[True, True, False])
    lines += [
        f"| {row.scheme} | {row.attribute} | {row.ami:+.4f} [{row.low:+.4f}, {row.high:+.4f}] | {row.p:.4f} | {row.p_among_all:.4f} |"
        for row in ranked.itertuples()
    ]
    sure = ranked[ranked["p_among_all"] < LEAST_SURE]
    names = ", ".join(f"{row.scheme} and {row.attribute}" for row in sure.itertuples()) or "no pair"
    verdict = "DOES NOT HOLD" if sure.empty else "holds"
    lines += [
        "",
        f"- {verdict}: segments say more of demographics than chance does: {names}, p below {LEAST_SURE} among all {len(table)} pairs",
        "",
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Make the segments, measure them, write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.households", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA", help="folder with transactions_sample, products and demographics as Parquet")
    parser.add_argument("--to", type=Path, default=CHECKOUT / "benchmarks" / "households.md", help="where the page goes")
    options = parser.parse_args(arguments)
    users = segments(session(), options.data)
    told = pd.read_parquet(options.data / "demographics.parquet").set_index("household_id")
    both = users.join(told, how="inner").sort_index()
    schemes = {scheme: _codes(both[column]) for scheme, column in SCHEMES.items() if both[column].nunique() > 1}
    table = measured(schemes, {name: _codes(both[name]) for name in ATTRIBUTES})
    found = page(table, len(both), {scheme: int(codes.max()) + 1 for scheme, codes in schemes.items()})
    options.to.write_text(found, encoding="utf-8")
    print(found)
    return 0 if table["p_among_all"].min() < LEAST_SURE else 1


def _codes(values: "pd.Series[str]") -> Codes:
    """A number for each value, -1 for none."""
    return pd.factorize(values, sort=True)[0].astype(np.int64)


def _of(columns: Mapping[str, Codes], places: Codes) -> dict[str, Codes]:
    return {name: values[places] for name, values in columns.items()}


if __name__ == "__main__":
    sys.exit(main())
