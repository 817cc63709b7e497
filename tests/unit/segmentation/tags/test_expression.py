"""Claims about the language of tags: what it compiles to, and what is said of what it refuses."""

import pytest

from jobs.segmentation.tags.expression import Act, Compiled, ExpressionError, Problem, Vocabulary, compile_expression

KNOWN = Vocabulary(
    {
        "order_count": "bigint",
        "spend_minor": "bigint",
        "night_share": "double",
        "top_category_id": "string",
        "last_event_date": "date",
        "top_categories": "array<string>",
    },
    {"rfm": ("rfm_segment", ("Champions", "At risk")), "behaviour": ("behaviour_segment", ())},
)
UNPARSED = "Something is missing before it, or too much: check operators and brackets."
UNCLOSED = "Close every quote, with the one that opened it."


def compiled(text: str) -> Compiled:
    return compile_expression(text, KNOWN)


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ExpressionError) as caught:
        compiled(text)
    return caught.value.problems


def test_a_rule_over_features_is_asked_as_it_stands() -> None:
    found = compiled("order_count >= 2 and (spend_minor between 1 and 9 or top_category_id in ('tea', 'mugs'))")
    assert found.condition == "order_count >= 2 AND (spend_minor BETWEEN 1 AND 9 OR top_category_id IN ('tea', 'mugs'))"
    assert found.columns == {"order_count", "spend_minor", "top_category_id"}
    assert found.acts == frozenset()


@pytest.mark.parametrize(
    ("text", "condition", "acts"),
    [
        ("done('purchase', 30)", "(_purchase_30d > 0)", {Act(("purchase",), 30)}),
        ("not done('purchase')", "NOT (_purchase > 0)", {Act(("purchase",), None)}),
        ("done('search', 7) = done('refund')", "(_search_7d > 0) = (_refund > 0)", {Act(("search",), 7), Act(("refund",), None)}),
        ("count_of('add_to_cart', 7) * 2 > 5", "TRY_MULTIPLY(_add_to_cart_7d, 2) > 5", {Act(("add_to_cart",), 7)}),
        (
            "DONE_IN_ORDER('view_item', 'purchase', 3)",
            "_view_item_then_purchase_3d",
            {Act(("view_item", "purchase"), 3)},
        ),
        ("in_segment('rfm', 'At risk')", "(rfm_segment = 'At risk')", set()),
        ("in_segment('behaviour', 'whatever a model says')", "(behaviour_segment = 'whatever a model says')", set()),
        ("last_event_date < DATE '2026-06-30'", "last_event_date < CAST('2026-06-30' AS DATE)", set()),
        ("night_share is not null and -spend_minor < 1", "NOT night_share IS NULL AND -spend_minor < 1", set()),
        (
            "(order_count - 1) / spend_minor > order_count % 2 + 1",
            "TRY_DIVIDE((TRY_SUBTRACT(order_count, 1)), spend_minor) > TRY_ADD(TRY_MOD(order_count, 2), 1)",
            set(),
        ),
        ("top_category_id like 't%'", "top_category_id LIKE 't%'", set()),
    ],
)
def test_what_users_did_becomes_columns(text: str, condition: str, acts: set[Act]) -> None:
    found = compiled(text)
    assert (found.condition, set(found.acts)) == (condition, acts)


@pytest.mark.parametrize(
    ("text", "offset", "expected", "found", "advice"),
    [
        ("order_cout > 1", 0, "a column of gold.user_features", "order_cout", "Did you mean order_count?"),
        ("order_count > 1 and xyz = 2", 20, "a column of gold.user_features", "xyz", "docs/tables lists them."),
        ("done('purchse', 30)", 5, "an event type", "'purchse'", "Did you mean purchase?"),
        ("donee('purchase')", 0, "a function of tags", "donee()", "Did you mean done?"),
        ("done('purchase', 0)", 17, "days from 1 to 3650", "0", "Count whole days, the as-of day among them."),
        ("done('purchase', 1.5)", 17, "days from 1 to 3650", "1.5", "Count whole days, the as-of day among them."),
        ("done(purchase)", 0, "done('purchase', 30), or without days: ever", "DONE(purchase)", "Types are texts, days a whole number."),
        (
            "done_in_order('view_item', 'purchase')",
            0,
            "days after the types",
            "DONE_IN_ORDER('view_item', 'purchase')",
            "Say in how many of the last days.",
        ),
        ("in_segment('rfm', 'Champion')", 18, "a segment of rfm", "'Champion'", "Did you mean Champions?"),
        ("in_segment('rfn', 'Champions')", 11, "a scheme: rfm, behaviour", "'rfn'", "Did you mean rfm?"),
        ("order_count > 'two'", 14, "a number, as order_count is", "a text: 'two'", "Texts stand in quotes, numbers do not."),
        (
            "last_event_date > '2026-06-30'",
            18,
            "a day, as last_event_date is",
            "a text: '2026-06-30'",
            "Days are written DATE '2026-06-30'.",
        ),
        ("order_count", 0, "a condition, true or false", "a number: order_count", "Compare it with something."),
        ("order_count and spend_minor > 1", 0, "a truth", "a number: order_count", "Compare it first."),
        (
            "top_categories is null",
            0,
            "a column with one value",
            "top_categories, array<string>",
            "Lists cannot be compared.",
        ),
        ("spend_minor = null", 0, "a value", "NULL", "A comparison with NULL is never true: ask IS NULL or IS NOT NULL."),
        ("order_count in (select 1)", 0, "a list of values after IN", "order_count IN (SELECT 1)", "Write IN ('a', 'b')."),
        ("order_cout between 1 and 2", 0, "a column of gold.user_features", "order_cout", "Did you mean order_count?"),
        ("last_event_date > DATE 'June'", 23, "a day as DATE '2026-06-30'", "CAST('June' AS DATE)", "Nothing else is cast in a tag."),
        ("order_count > = 1", 14, "a condition", "=", UNPARSED),
        (
            "order_count > 'x",
            0,
            "a condition",
            '"order_count > \'x", which does not end',
            UNCLOSED,
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_place_and_what_was_probably_meant(
    text: str, offset: int, expected: str, found: str, advice: str
) -> None:
    assert problems(text) == (Problem(offset, found, expected, advice),)


@pytest.mark.parametrize(
    "text", ["rand() > 0.5", "case when order_count > 1 then true end", "exists (select 1)", "current_date() > last_event_date"]
)
def test_what_a_tag_may_not_ask_is_named_together_with_what_it_may(text: str) -> None:
    assert any(one.expected.startswith(("AND, OR, NOT", "a function of tags", "a condition")) for one in problems(text))


def test_everything_that_is_wrong_is_said_at_once_in_the_order_of_the_text() -> None:
    assert [one.found for one in problems("ordr_count > 1 or done('purchse') or foo(1)")] == ["ordr_count", "'purchse'", "foo()"]
