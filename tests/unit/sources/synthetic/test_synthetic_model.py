"""How a user's days are drawn: pure functions, no Spark, no files."""

from collections import Counter, defaultdict
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from expectations.vocabulary import PERSONALISATION
from jobs.sources.synthetic.catalogue import STEP_PROBABILITY, catalogue_of, category_shares, counts, item_id, observations, season
from jobs.sources.synthetic.consents import ASKED_SHARE, CHANNEL_SHARES, agrees, decisions
from jobs.sources.synthetic.contacts import GIVEN_SHARES, contact_points
from jobs.sources.synthetic.shop import DAY_MS, Shop
from jobs.sources.synthetic.shopping import MOST_EVENTS, History, Moment, history_of
from jobs.sources.synthetic.visitors import CHECKOUT, RFM_TYPES, Visitor, visitor_of
from jobs.sources.synthetic.visits import visit_rates, visit_starts
from jobs.sources.synthetic.vocabulary import BRANDS, CATEGORIES, CLUSTERS, LIKED_BRANDS

SHOP = Shop(users=700, items=140, days=35, seed=7, last_day=date(2026, 6, 30))


@pytest.fixture(scope="module")
def people() -> list[tuple[Visitor, History]]:
    return [(visitor, history_of(SHOP, visitor)) for visitor in (visitor_of(SHOP, n) for n in range(SHOP.users))]


def _visits(history: History) -> dict[str, list[Moment]]:
    visits = defaultdict(list)
    for moment in history.events:
        if moment.row["session_hint"]:
            visits[moment.row["session_hint"]].append(moment)
    return visits


def test_a_shop_without_users_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 user"):
        Shop(users=0, items=50, days=3, seed=7, last_day=date(2026, 6, 30))


def test_blocks_hold_every_user_once() -> None:
    shop = Shop(users=12_345, items=50, days=30, seed=7, last_day=date(2026, 6, 30))
    assert [number for block in shop.blocks() for number in block] == list(range(12_345))


def test_a_user_depends_on_seed_and_number_only() -> None:
    larger = Shop(users=900_000, items=140, days=35, seed=7, last_day=date(2026, 6, 30))
    assert visitor_of(SHOP, 42) == visitor_of(larger, 42)
    assert history_of(SHOP, visitor_of(SHOP, 42)) == history_of(larger, visitor_of(larger, 42))


def test_another_seed_is_another_shop() -> None:
    other = Shop(users=700, items=140, days=35, seed=8, last_day=date(2026, 6, 30))
    assert catalogue_of(other).names != catalogue_of(SHOP).names
    assert [visitor_of(other, n).rfm_type for n in range(50)] != [visitor_of(SHOP, n).rfm_type for n in range(50)]


def test_visits_come_in_order_and_on_active_days_only() -> None:
    rates = np.zeros(10)
    rates[4:6] = 3.0
    starts = visit_starts(rates, 21.5, np.random.default_rng(1))
    assert starts == sorted(starts)
    assert {start // DAY_MS for start in starts} == {4, 5}


def test_a_visit_has_1_to_20_events_unless_a_bot_makes_it(people: list[tuple[Visitor, History]]) -> None:
    for visitor, history in people:
        for moments in _visits(history).values():
            assert 150 <= len(moments) <= 400 if visitor.is_bot else 1 <= len(moments) <= MOST_EVENTS


def test_30_idle_minutes_tell_visits_apart(people: list[tuple[Visitor, History]]) -> None:
    for _, history in people:
        visits = list(_visits(history).values())
        assert all(b.true_ms - a.true_ms <= 30 * 60_000 for moments in visits for a, b in pairwise(moments))
        assert all(after[0].true_ms - before[-1].true_ms > 30 * 60_000 for before, after in pairwise(visits))


def test_some_visits_cross_midnight_and_some_begin_before_signing_in(people: list[tuple[Visitor, History]]) -> None:
    visits = [moments for _, history in people for moments in _visits(history).values()]
    assert any(SHOP.offset_of(moments[0].true_ms) < SHOP.offset_of(moments[-1].true_ms) for moments in visits)
    assert any(moments[0].row["user_id"] is None and moments[-1].row["user_id"] for moments in visits)


def test_every_purchase_event_has_its_order_line(people: list[tuple[Visitor, History]]) -> None:
    bought = Counter((m.row["order_id"], m.row["item_id"], m.at_ms) for _, h in people for m in h.orders if m.row["kind"] == "sale")
    noted = Counter(
        (m.row["order_id"], m.row["item_id"], m.true_ms) for _, h in people for m in h.events if m.row["event_type"] == "purchase"
    )
    assert bought == noted
    assert len(bought) > 500


def test_order_lines_and_events_have_ids_of_their_own(people: list[tuple[Visitor, History]]) -> None:
    lines = [m.row["order_line_id"] for _, h in people for m in h.orders]
    events = [m.row["event_id"] for _, h in people for m in h.events]
    assert len(set(lines)) == len(lines)
    assert len(set(events)) == len(events)


def test_nothing_is_sold_while_it_is_out_of_stock(people: list[tuple[Visitor, History]]) -> None:
    catalogue = catalogue_of(SHOP)
    sold = Counter((m.row["item_id"], SHOP.offset_of(m.at_ms)) for _, h in people for m in h.orders if m.row["kind"] == "sale")
    assert catalogue.out_of_stock
    for item, (start, end) in catalogue.out_of_stock.items():
        assert sum(sold[item_id(item), day] for day in range(start, end)) == 0
    assert sum(sold[item_id(item), day] for item in catalogue.out_of_stock for day in range(SHOP.days)) > 0


def test_stock_is_counted_when_it_runs_out_and_when_it_comes_back() -> None:
    catalogue = catalogue_of(SHOP)
    said = {(line["item_id"], day): line["quantity"] for day in range(SHOP.days) for line in counts(SHOP, catalogue, day)}
    assert all(said[item_id(item), 0] > 0 for item in range(SHOP.items))
    later = {place: quantity for place, quantity in said.items() if place[1]}
    outs = {item_id(item): span for item, span in catalogue.out_of_stock.items()}
    wanted = {(item, start): 0 for item, (start, _) in outs.items()}
    wanted |= {(item, end): said[item, 0] for item, (_, end) in outs.items() if end < SHOP.days}
    assert later == wanted


def test_a_few_users_withdraw_and_some_of_them_agree_again(people: list[tuple[Visitor, History]]) -> None:
    answers = {visitor.number: decisions(SHOP, visitor) for visitor, _ in people}
    end = SHOP.start_ms + SHOP.days * DAY_MS
    assert all(SHOP.start_ms <= moment.at_ms < end for moments in answers.values() for moment in moments)
    assert all(earlier.at_ms < later.at_ms for moments in answers.values() for earlier, later in pairwise(moments))
    last = Counter(agrees(moments) for moments in answers.values())
    assert last[None] / SHOP.users == pytest.approx(1 - ASKED_SHARE, abs=0.06)
    assert 10 < last[False] < 0.15 * SHOP.users
    personal = [[moment for moment in moments if moment.row["purpose"] == PERSONALISATION] for moments in answers.values()]
    assert {agrees(moments) for moments in personal if len(moments) > 1} == {True, False}
    for purpose, share in CHANNEL_SHARES.items():
        granted = [moment.row["is_granted"] for moments in answers.values() for moment in moments if moment.row["purpose"] == purpose]
        assert sum(granted) / SHOP.users == pytest.approx(ASKED_SHARE * share, abs=0.06)


def test_users_give_addresses_numbers_and_tokens_and_a_few_move_to_another_address(people: list[tuple[Visitor, History]]) -> None:
    points = {visitor.number: contact_points(SHOP, visitor) for visitor, _ in people}
    end = SHOP.start_ms + SHOP.days * DAY_MS
    assert all(SHOP.start_ms <= moment.at_ms < end for moments in points.values() for moment in moments)
    assert all(earlier.at_ms < later.at_ms for moments in points.values() for earlier, later in pairwise(moments))
    assert not any(points[visitor.number] for visitor, _ in people if visitor.is_bot)
    given = Counter(kind for moments in points.values() for kind in {moment.row["kind"] for moment in moments})
    assert all(given[kind] / SHOP.users == pytest.approx(share, abs=0.06) for kind, share in GIVEN_SHARES.items())
    moved = [moments for moments in points.values() if not all(moment.row["is_active"] for moment in moments)]
    assert 5 < len(moved) < 0.1 * SHOP.users


def test_churners_stop_on_their_day(people: list[tuple[Visitor, History]]) -> None:
    for visitor, history in people:
        visits = _visits(history).values()
        if visitor.behaviour.is_churner and not visitor.is_bot and visits:
            assert max(SHOP.offset_of(moments[0].true_ms) for moments in visits) <= visitor.active_to
            assert visitor.active_to < SHOP.days


def test_a_taste_cluster_looks_mostly_at_its_two_categories(people: list[tuple[Visitor, History]]) -> None:
    category = catalogue_of(SHOP).category
    for number, likes in enumerate(CLUSTERS.values()):
        looked = Counter(
            CATEGORIES[int(category[int(m.row["item_id"][1:])])].category_id
            for v, h in people
            if v.cluster == number and not v.is_bot
            for m in h.events
            if m.row["event_type"] == "view_item"
        )
        assert [name for name, _ in looked.most_common(2)] in (list(likes), list(likes)[::-1])
        assert sum(looked[name] for name in likes) / looked.total() > 0.7


def test_bundles_are_bought_together_far_more_often_than_by_chance(people: list[tuple[Visitor, History]]) -> None:
    baskets = defaultdict(set)
    for _, history in people:
        for moment in history.orders:
            baskets[moment.row["order_id"]].add(moment.row["item_id"])
    pairs = catalogue_of(SHOP).bundles
    first = sum(item_id(a) in basket for a in pairs for basket in baskets.values())
    both = sum({item_id(a), item_id(b)} <= basket for a, b in pairs.items() for basket in baskets.values())
    assert first > 30
    assert both / first > 0.3


def test_a_step_is_taken_forwards_by_half_and_backwards_by_chance(people: list[tuple[Visitor, History]]) -> None:
    steps = {item_id(a): item_id(b) for a, b in catalogue_of(SHOP).steps.items()}
    looks: Counter[tuple[str, str]] = Counter()
    for visitor, history in people:
        for moments in [] if visitor.is_bot else _visits(history).values():
            viewed = [m.row["item_id"] for m in moments if m.row["event_type"] == "view_item"]
            looks.update(pairwise(viewed))
    left = Counter({item: sum(n for (a, _), n in looks.items() if a == item) for item in (*steps, *steps.values())})
    forwards = sum(looks[pair] for pair in steps.items()) / sum(left[a] for a in steps)
    backwards = sum(looks[b, a] for a, b in steps.items()) / sum(left[b] for b in steps.values())
    assert sum(left[a] for a in steps) > 300
    assert forwards == pytest.approx(STEP_PROBABILITY, abs=0.08)
    assert backwards < forwards / 5
    assert not {*steps, *steps.values()} & {item_id(i) for pair in catalogue_of(SHOP).bundles.items() for i in pair}


def test_users_look_at_the_brands_they_like_far_more_than_others_do(people: list[tuple[Visitor, History]]) -> None:
    brands = catalogue_of(SHOP).brands
    own, all_of_them = 0, 0
    for visitor, history in people:
        if not visitor.is_bot:
            viewed = [brands[int(m.row["item_id"][1:])] for m in history.events if m.row["event_type"] == "view_item"]
            own, all_of_them = own + sum(brand in visitor.brands for brand in viewed), all_of_them + len(viewed)
    assert own / all_of_them > 1.5 * LIKED_BRANDS / len(BRANDS)


def test_rfm_types_differ_in_orders_as_planted(people: list[tuple[Visitor, History]]) -> None:
    orders = defaultdict(list)
    for visitor, history in people:
        if not visitor.is_bot:
            orders[visitor.rfm_type].append(len({m.row["order_id"] for m in history.orders if m.row["user_id"]}))
    means = {name: np.mean(found) for name, found in orders.items()}
    assert set(means) == set(RFM_TYPES)
    assert means["champions"] > 2 * means["loyal"] > 2 * means["lapsed"] > 10 * means["browsers"]


def test_the_better_checkout_sells_more_by_the_planted_ratio(people: list[tuple[Visitor, History]]) -> None:
    begun: Counter[str] = Counter()
    bought: Counter[str] = Counter()
    for _, history in people:
        for moments in _visits(history).values():
            row = moments[-1].row
            kinds = {moment.row["event_type"] for moment in moments}
            if row["experiment"] == CHECKOUT.name and "begin_checkout" in kinds:
                begun[row["variant"]] += 1
                bought[row["variant"]] += "purchase" in kinds
    rates = {variant: bought[variant] / begun[variant] for variant in begun}
    assert rates[CHECKOUT.treatment] / rates[CHECKOUT.control] == pytest.approx(1.25, abs=0.12)


def test_bots_buy_nothing() -> None:
    shop = Shop(users=3_000, items=50, days=3, seed=7, last_day=date(2026, 6, 30))
    bots = [visitor for visitor in (visitor_of(shop, n) for n in range(3_000)) if visitor.is_bot]
    assert 1 <= len(bots) <= 20
    assert all(visit_rates(shop, bot).min() > 0 and not history_of(shop, bot).orders for bot in bots)


def test_a_season_peaks_on_its_day_and_moves_shares() -> None:
    garden = next(c for c in CATEGORIES if c.category_id == "garden")
    assert season(garden, date(2026, 5, 20)) == pytest.approx(1 + garden.peak_height)
    assert season(garden, date(2026, 11, 20)) == pytest.approx(1.0, abs=0.01)
    place = [c.category_id for c in CATEGORIES].index("garden")
    may, november = (category_shares(("books", "baby"), date(2026, month, 20)) for month in (5, 11))
    assert may[place] - may[place - 1] > 1.5 * (november[place] - november[place - 1])


def test_the_catalogue_is_whole_on_the_first_day_and_changes_on_every_other() -> None:
    catalogue = catalogue_of(SHOP)
    by_day = [observations(SHOP, catalogue, day) for day in range(SHOP.days)]
    assert len(by_day[0]) == SHOP.items
    assert all(0 < len(rows) < SHOP.items for rows in by_day[1:])
    assert len({row["name"] + row["category_id"] for row in by_day[0]}) == SHOP.items
