"""What is watched of each table: the columns that are counted by value, and the rules that its days must pass.

What a column leaves follows from its type and name (``jobs/quality/states.py``); only what cannot be seen there is declared here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobs.quality.rules import Concentration, MeanOf, NullShare, RejectShare, Rule, ValueVanished, Volume

VALUE_COUNTED = frozenset(
    {
        "affinity_segment",
        "basis",
        "behaviour_segment",
        "category_id",
        "channel",
        "currency",
        "density_segment",
        "event_type",
        "kind",
        "lifecycle_segment",
        "model",
        "price_band",
        "purpose",
        "reasons",
        "rfm_segment",
        "scheme",
        "taste_segment",
        "top_category_id",
        "top_channel",
        "variant",
    }
)
"""Text columns of few values, in any table; an array of words counts each word."""


@dataclass(frozen=True)
class Watch:
    """What is watched of one table.

    ``derived`` are expressions that leave states as a column would; ``busiest`` names columns whose most frequent value is counted;
    ``by_category`` brings each row's ``category_id`` of that day from the catalogue; ``drifting`` are columns whose distribution is held
    against earlier days.
    """

    rules: tuple[Rule, ...] = ()
    derived: Mapping[str, str] = field(default_factory=dict)
    busiest: frozenset[str] = frozenset()
    by_category: bool = False
    drifting: tuple[str, ...] = ()


UNWATCHED = Watch()

WATCHES: Mapping[str, Watch] = {
    "silver.events": Watch(
        rules=(
            Volume(),
            NullShare("user_id"),
            NullShare("item_id"),
            NullShare("unit_price_minor"),
            MeanOf("unit_price_minor"),
            ValueVanished("event_type"),
            ValueVanished("channel"),
            Concentration("visitor_id"),
        ),
        derived={"visitor_id": "coalesce(anonymous_id, user_id)"},
        busiest=frozenset({"visitor_id"}),
    ),
    "silver.events_rejected": Watch(rules=(RejectShare("silver.events"),)),
    "silver.order_lines": Watch(
        rules=(
            Volume(),
            NullShare("user_id"),
            NullShare("unit_price_minor"),
            MeanOf("unit_price_minor"),
            MeanOf("quantity"),
            ValueVanished("kind"),
            ValueVanished("channel"),
        ),
    ),
    "silver.order_lines_rejected": Watch(rules=(RejectShare("silver.order_lines"),)),
    "silver.item_observations": Watch(rules=(NullShare("category_id"), NullShare("unit_price_minor"), MeanOf("unit_price_minor"))),
    "silver.item_observations_rejected": Watch(rules=(RejectShare("silver.item_observations"),)),
    "silver.stock_rejected": Watch(rules=(RejectShare("silver.stock"),)),
    "silver.consent_decisions_rejected": Watch(rules=(RejectShare("silver.consent_decisions"),)),
    "silver.contact_observations_rejected": Watch(rules=(RejectShare("silver.contact_observations"),)),
    "gold.daily_item_stats": Watch(rules=(NullShare("category_id"), ValueVanished("category_id")), by_category=True),
    "gold.user_features": Watch(
        drifting=(
            "events_7d",
            "events_30d",
            "orders_30d",
            "spend_30d_minor",
            "mean_order_minor",
            "view_share",
            "add_to_cart_share",
            "purchase_share",
            "weekend_share",
            "night_share",
        )
    ),
    "gold.user_segments": Watch(rules=(ValueVanished("rfm_segment"),)),
}
"""Table -> what is watched. Volume is judged where rows are acts of people: events and order lines. What is derived from them moves with
them and would only say it twice; observations of items come when the catalogue changes. Of features, counts since the beginning are left
out of drift: they grow by themselves."""


def watch_of(table_name: str) -> Watch:
    """What is watched of a table; nothing where nothing is declared."""
    return WATCHES.get(table_name, UNWATCHED)


def judged_columns() -> frozenset[str]:
    """Every column that a rule of any table looks at, and the empty one of the whole partition."""
    return frozenset({"", *(name for watch in WATCHES.values() for rule in watch.rules for name in rule.columns)})
