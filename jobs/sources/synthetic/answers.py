"""What was planted in a synthetic shop, written down for tests. No job reads it."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from jobs.sources.synthetic.catalogue import BUNDLE_PROBABILITY, STEP_PROBABILITY, catalogue_of, item_id
from jobs.sources.synthetic.consents import AGREES_AGAIN_SHARE, AGREES_SHARE, ASKED_SHARE, CHANNEL_SHARES, LETTERS_SHARE, WITHDRAWS_SHARE
from jobs.sources.synthetic.contacts import GIVEN_SHARES, MOVES_SHARE
from jobs.sources.synthetic.faults import MOST_LATE_DAYS
from jobs.sources.synthetic.shop import REJECTED_FAULTS, SOURCE_NAME, Shop
from jobs.sources.synthetic.shopping import BRAND_SHARE
from jobs.sources.synthetic.visitors import (
    CHECKOUT,
    CHECKOUT_EFFECT,
    CHECKOUT_PROPENSITY,
    COUPON,
    COUPON_DISCOUNT_SHARE,
    PERSUADED_EFFECT,
    RFM_TYPES,
    UNPERSUADED_EFFECT,
    Experiment,
)
from jobs.sources.synthetic.vocabulary import CATEGORIES, CLUSTERS, SEASON_WIDTH_DAYS, WEEKDAY_RHYTHM

PREFIX = f"answers/{SOURCE_NAME}/"
"""Where answers lie: beside the landing zone, never in it."""
FILE = "answers.json"


def answers_of(shop: Shop, counts: Mapping[str, Counter[str]]) -> dict[str, Any]:
    """Everything planted, but for the users, who have files of their own; ready for JSON."""
    catalogue = catalogue_of(shop)
    return {
        "shop": {
            "users": shop.users,
            "items": shop.items,
            "days": shop.days,
            "seed": shop.seed,
            "first_day": shop.day(0),
            "last_day": shop.last_day,
        },
        "taste_clusters": {name: list(likes) for name, likes in CLUSTERS.items()},
        "rfm_types": {name: kind._asdict() for name, kind in RFM_TYPES.items()},
        "bundles": [
            {"item_id": item_id(a), "partner_id": item_id(b), "probability": BUNDLE_PROBABILITY}
            for a, b in sorted(catalogue.bundles.items())
        ],
        "steps": [
            {"item_id": item_id(a), "next_item_id": item_id(b), "probability": STEP_PROBABILITY} for a, b in sorted(catalogue.steps.items())
        ],
        "liked_brand_share": BRAND_SHARE,
        "seasonal_categories": [
            {"category_id": c.category_id, "peak_day_of_year": c.peak_day, "peak_height": c.peak_height, "width_days": SEASON_WIDTH_DAYS}
            for c in CATEGORIES
            if c.peak_day is not None
        ],
        "weekday_rhythm": list(WEEKDAY_RHYTHM),
        "price_elasticities": {c.category_id: c.elasticity for c in CATEGORIES},
        "experiments": [
            _experiment(shop, CHECKOUT)
            | {"purchase_ratio": CHECKOUT_EFFECT, "treatment_propensity": {**CHECKOUT_PROPENSITY, "others": 0.4}},
            _experiment(shop, COUPON)
            | {
                "persuadable_cart_ratio": PERSUADED_EFFECT / UNPERSUADED_EFFECT,
                "other_cart_ratio": 1.0,
                "discount_share": COUPON_DISCOUNT_SHARE,
                "treatment_propensity": {"others": 0.5},
            },
        ],
        "stock_outs": [
            {"item_id": item_id(item), "first_date": shop.day(start), "last_date": shop.day(end - 1)}
            for item, (start, end) in sorted(catalogue.out_of_stock.items())
        ],
        "delisted": [{"item_id": item_id(item), "date": shop.day(day)} for item, day in sorted(catalogue.delisted_from.items())],
        "consents": {
            "asked_share": ASKED_SHARE,
            "agrees_share": AGREES_SHARE,
            "withdraws_share": WITHDRAWS_SHARE,
            "agrees_again_share": AGREES_AGAIN_SHARE,
            "channel_shares": {"email": LETTERS_SHARE, **CHANNEL_SHARES},
        },
        "contacts": {"given_shares": GIVEN_SHARES, "moves_share": MOVES_SHARE},
        "fault_rates": {
            "events": asdict(shop.event_faults),
            "orders": asdict(shop.order_faults),
            "items": asdict(shop.item_faults),
            "stock": asdict(shop.stock_faults),
            "consents": asdict(shop.consent_faults),
            "contacts": asdict(shop.contact_faults),
        },
        "most_late_days": MOST_LATE_DAYS,
        "counts": {feed: _counted(found) for feed, found in counts.items()},
    }


def to_json(answers: Mapping[str, Any]) -> bytes:
    """The answers as text; the same answers give the same bytes."""
    return json.dumps(answers, indent=1, default=str).encode()


def _experiment(shop: Shop, experiment: Experiment) -> dict[str, Any]:
    begin, end = (int(share * shop.days) for share in experiment.runs)
    days = {"first_date": shop.day(begin), "last_date": shop.day(end - 1)} if end > begin else {"first_date": None, "last_date": None}
    return {
        "experiment": experiment.name,
        "treatment": experiment.treatment,
        "control": experiment.control,
        "effect": experiment.effect,
        **days,
    }


def _counted(found: Counter[str]) -> dict[str, Any]:
    rejected = {fault: found[fault] for fault in REJECTED_FAULTS}
    others = {name: found[name] for name in ("late", "early", "clock_skew", "guest", "bot")}
    return {
        "lines": found["lines"],
        "kept": found["kept"],
        "resent": found["resent"],
        "rejected_total": sum(rejected.values()),
        "rejected": rejected,
        "among_kept": others,
        "not_landed_yet": found["not_landed_yet"],
    }
