"""Claims about tags on users: each tag of the platform is true of who it is meant for and of nobody just beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.content_hash import content_hash
from jobs.contract import conform
from jobs.gold.user_features import USER_FEATURES
from jobs.gold.user_segments import USER_SEGMENTS
from jobs.gold.user_tags import USER_TAGS, Frames, build, tagged
from jobs.segmentation.tags.declaration import own_tags, read
from jobs.segmentation.tags.preview import preview
from jobs.segmentation.tags.vocabulary import vocabulary
from tests.bronze_rows import SETTINGS
from tests.rows import events, frame, order_lines

AS_OF = date(2026, 6, 30)
KNOWN = vocabulary()
OWN = own_tags(KNOWN)

FEATURES: Mapping[str, Any] = {
    **{column.name: 0 for column in USER_FEATURES.columns if column.type in {"int", "bigint"}},
    **{column.name: 0.0 for column in USER_FEATURES.columns if column.type == "double"},
    **{column.name: AS_OF for column in USER_FEATURES.columns if column.type == "date"},
    "top_categories": [],
    "tenure_days": 90,
}
SEGMENT: Mapping[str, Any] = {
    "monetary_basis": "spend",
    "rfm_segment": "Window shoppers",
    "behaviour_segment": "Active buyers",
    "taste_segment": "Likes tea",
}


@dataclass(frozen=True)
class User:
    """Somebody with features, one segment, and acts: event type, days before the as-of day, hour."""

    features: Mapping[str, Any] = field(default_factory=dict)
    acts: Sequence[tuple[str, int, int]] = ()
    rfm: str = "Window shoppers"


def has(**features: Any) -> User:
    return User(features)


def did(*acts: tuple[str, int] | tuple[str, int, int]) -> User:
    return User(acts=[act if len(act) == 3 else (*act, min(9 + n, 23)) for n, act in enumerate(acts)])


def views(days_ago: int, times: int) -> list[tuple[str, int]]:
    return [("view_item", days_ago)] * times


CASES: Mapping[str, tuple[Sequence[User], Sequence[User]]] = {
    "recent_buyer": ([did(("purchase", 29))], [did(("purchase", 30)), did(("add_to_cart", 1))]),
    "never_bought": ([has(order_count=0)], [has(order_count=1)]),
    "one_time_buyer": ([has(order_count=1)], [has(order_count=0), has(order_count=2)]),
    "repeat_buyer": ([has(order_count=2)], [has(order_count=1)]),
    "cart_abandoner": (
        [did(("add_to_cart", 13)), did(("purchase", 14), ("add_to_cart", 1))],
        [did(("add_to_cart", 14)), did(("add_to_cart", 13), ("purchase", 13))],
    ),
    "checkout_dropper": ([did(("begin_checkout", 6))], [did(("begin_checkout", 7)), did(("begin_checkout", 6), ("purchase", 0))]),
    "wish_waiting": ([did(("add_to_wishlist", 29))], [did(("add_to_wishlist", 30)), did(("add_to_wishlist", 2), ("purchase", 2))]),
    "searches_in_vain": (
        [did(("search", 6), ("view_item", 0))],
        [
            did(("view_item", 3), ("search", 2)),
            did(("search", 7), ("view_item", 0)),
            did(("search", 3), ("view_item", 2), ("add_to_cart", 1)),
        ],
    ),
    "straight_to_purchase": (
        [did(("view_item", 2), ("search", 2), ("add_to_cart", 2), ("view_item", 2), ("purchase", 1))],
        [did(("add_to_cart", 2), ("view_item", 2), ("purchase", 1)), did(("view_item", 7), ("add_to_cart", 2), ("purchase", 1))],
    ),
    "came_back_to_buy": (
        [did(("purchase", 59), ("view_item", 20), ("purchase", 1))],
        [did(("view_item", 59), ("purchase", 20), ("purchase", 1)), did(("purchase", 20), ("view_item", 10))],
    ),
    "window_shopper": ([did(*views(6, 20))], [did(*views(6, 19)), did(*views(6, 20), ("add_to_cart", 0)), did(*views(7, 20))]),
    "often_returns": (
        [has(refund_count=2, purchase_line_count=6)],
        [has(refund_count=2, purchase_line_count=7), has(refund_count=1, purchase_line_count=1)],
    ),
    "returned_lately": ([did(("refund", 29))], [did(("refund", 30))]),
    "new_user": ([has(tenure_days=6)], [has(tenure_days=7)]),
    "going_quiet": (
        [has(order_count=1, recency_days=14), has(order_count=9, recency_days=60)],
        [has(order_count=1, recency_days=13), has(order_count=1, recency_days=61), has(order_count=0, recency_days=20)],
    ),
    "worth_a_call": ([User(rfm="Cannot lose them")], [User(rfm="At risk")]),
    "spending_more": (
        [has(tenure_days=61, spend_minor=100, spend_30d_minor=50)],
        [
            has(tenure_days=60, spend_minor=100, spend_30d_minor=50),
            has(tenure_days=61, spend_minor=100, spend_30d_minor=49),
            has(tenure_days=61, spend_minor=0, spend_30d_minor=0),
            has(tenure_days=61, spend_minor=None, spend_30d_minor=None),
        ],
    ),
    "weekend_shopper": (
        [has(event_count=10, weekend_share=0.6)],
        [has(event_count=9, weekend_share=0.6), has(event_count=10, weekend_share=0.59)],
    ),
    "night_shopper": (
        [has(event_count=10, night_share=0.5)],
        [has(event_count=10, night_share=None), has(event_count=10, night_share=0.49)],
    ),
    "one_category": (
        [has(distinct_items=5, top_category_share=0.8)],
        [has(distinct_items=4, top_category_share=0.8), has(distinct_items=5, top_category_share=0.79)],
    ),
    "explorer": ([has(distinct_categories=8)], [has(distinct_categories=7)]),
}


def users_of(cases: Mapping[str, tuple[Sequence[User], Sequence[User]]]) -> dict[str, User]:
    """User id -> user: ``<tag>+0`` is who the tag is meant for, ``<tag>-0`` who is just beside it."""
    return {
        f"{name}{sign}{number}": user
        for name, sides in cases.items()
        for sign, side in zip("+-", sides, strict=True)
        for number, user in enumerate(side)
    }


def frames_of(spark: SparkSession, users: Mapping[str, User], resolution: str = "second") -> Frames:
    """The tables of such users, with somebody of another day and a guest beside them."""
    seen: list[dict[str, Any]] = [
        {"occurred_at": datetime(2026, 6, 30, tzinfo=UTC), "landed_date": AS_OF, "user_id": None, "event_type": "search"}
    ]
    bought: list[dict[str, Any]] = []
    for user_id, user in users.items():
        for event_type, days_ago, hour in user.acts:
            day = AS_OF - timedelta(days=days_ago)
            at = datetime(day.year, day.month, day.day, hour if resolution == "second" else 0, tzinfo=UTC)
            common = {"user_id": user_id, "landed_date": day}
            if event_type in {"purchase", "refund"}:
                bought.append(common | {"ordered_at": at, "kind": "sale" if event_type == "purchase" else "refund"})
            seen.append(common | {"occurred_at": at, "event_type": event_type, "time_resolution": resolution})
    features = [dict(FEATURES) | {"user_id": name} | dict(user.features) | {"as_of_date": AS_OF} for name, user in users.items()]
    stranger = dict(FEATURES) | {"user_id": "of another day", "order_count": 9, "as_of_date": AS_OF - timedelta(days=1)}
    segments = [{**SEGMENT, "as_of_date": AS_OF, "user_id": name, "rfm_segment": user.rfm} for name, user in users.items()]
    return Frames(
        events(spark, *seen),
        order_lines(spark, *bought),
        frame(spark, USER_FEATURES, [*features, stranger]),
        frame(spark, USER_SEGMENTS, segments),
    )


@pytest.fixture(scope="module")
def platform(spark: SparkSession) -> Frames:
    return frames_of(spark, users_of(CASES))


@pytest.fixture(scope="module")
def truth(platform: Frames) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in conform(tagged(OWN, platform, as_of=AS_OF), USER_TAGS).collect():
        found.setdefault(row["tag"], set()).add(row["user_id"])
    return found


def test_every_tag_of_the_platform_has_its_truth() -> None:
    assert len(OWN) >= 20
    assert set(CASES) == {tag.name for tag in OWN}


@pytest.mark.parametrize("name", CASES)
def test_a_tag_is_true_of_who_it_is_meant_for_and_not_of_who_is_just_beside(truth: dict[str, set[str]], name: str) -> None:
    meant, beside = ([f"{name}{sign}{number}" for number in range(len(CASES[name][place]))] for place, sign in enumerate("+-"))
    assert set(meant) <= truth[name]
    assert not set(beside) & truth[name]


def test_nobody_of_another_day_has_a_tag(truth: dict[str, set[str]]) -> None:
    assert not any("of another day" in users for users in truth.values())


IN_ORDER = """format: 1
tags:
  - name: in_order
    meaning: Looked and bought.
    owner: crm
    when: done_in_order('view_item', 'purchase', 7)
"""


@pytest.mark.parametrize(("resolution", "is_known"), [("second", False), ("day", True)])
def test_acts_of_one_day_count_as_in_order_where_only_the_day_is_known(spark: SparkSession, resolution: str, *, is_known: bool) -> None:
    users = {"same day": did(("purchase", 2), ("view_item", 2)), "next day": did(("purchase", 2), ("view_item", 1))}
    found = tagged(read("shop.yaml", IN_ORDER, KNOWN), frames_of(spark, users, resolution), as_of=AS_OF).collect()
    assert {row["user_id"] for row in found} == ({"same day"} if is_known else set())


def test_what_landed_later_is_not_known_yet(spark: SparkSession) -> None:
    frames, tags = frames_of(spark, {"u": did(("view_item", 2), ("purchase", 1))}), read("shop.yaml", IN_ORDER, KNOWN)
    late = {"user_id": "u", "ordered_at": datetime(2026, 6, 29, 12, tzinfo=UTC), "landed_date": AS_OF + timedelta(days=1)}
    assert tagged(tags, frames, as_of=AS_OF).count() == 1
    assert tagged(tags, frames._replace(order_lines=order_lines(spark, late)), as_of=AS_OF).count() == 0


SHOP = """format: 1
tags:
  - {name: by_hand, meaning: Tests novelties., owner: labs, users: [repeat_buyer+0, repeat_buyer+0, nobody we know]}
  - {name: over, meaning: Was a rule., owner: labs, when: order_count >= 0, valid_until: 2026-06-30}
  - {name: to_come, meaning: Will be a rule., owner: labs, when: order_count >= 0, valid_from: 2026-07-01}
  - {name: of_nobody, meaning: Has ordered often., owner: labs, when: order_count / spend_minor > 1000}
"""


def test_an_individual_tag_is_of_the_users_it_lists_and_a_tag_out_of_its_days_of_nobody(platform: Frames) -> None:
    found = tagged(read("shop.yaml", SHOP, KNOWN), platform, as_of=AS_OF).collect()
    assert [(row["user_id"], row["tag"], row["scope"], row["owner"]) for row in found] == [
        ("repeat_buyer+0", "by_hand", "individual", "labs")
    ]


def test_the_same_tags_on_any_number_of_partitions(platform: Frames) -> None:
    built = [build(*(one.repartition(n) for one in platform), as_of=AS_OF, settings=SETTINGS) for n in (1, 5)]
    assert len({content_hash(conform(one, USER_TAGS), USER_TAGS) for one in built}) == 1


def test_a_preview_tells_size_overlap_and_examples_with_the_figures_that_the_rule_looks_at(
    platform: Frames, truth: dict[str, set[str]]
) -> None:
    [found] = preview([tag for tag in OWN if tag.name == "cart_abandoner"], OWN, platform, day=AS_OF)
    assert (found.users, found.everybody) == (5, len(users_of(CASES)))  # its own two, and three beside other tags
    assert {one["user_id"] for one in found.examples} == truth["cart_abandoner"]
    assert all(one["_add_to_cart_14d"] > 0 and one["_purchase_14d"] == 0 for one in found.examples)
    recent = next(one for one in found.overlaps if one.tag == "recent_buyer")
    assert recent.both == 1
    assert recent.share == pytest.approx(1 / 5)
    assert recent.jaccard == pytest.approx(1 / (5 + len(truth["recent_buyer"]) - 1))
