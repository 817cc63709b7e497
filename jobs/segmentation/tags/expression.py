"""The language of tags: a condition in SQL over features and over what a user did, checked and compiled without Spark."""

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import cast

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from expectations.vocabulary import EVENT_TYPES

DIALECT = "spark"
MOST_DAYS = 3_650


class Kind(StrEnum):
    """What a part of an expression is, as far as it may be compared with another."""

    NUMBER = "a number"
    TEXT = "a text"
    DAY = "a day"
    TRUTH = "a truth"
    ANYTHING = "anything"


@dataclass(frozen=True)
class Act:
    """What is asked of a user's events: how often one type was done, or whether several were done in this order within ``days``.

    The last ``days`` days end with the as-of day and include it; None: ever.
    """

    types: tuple[str, ...]
    days: int | None

    @property
    def is_sequence(self) -> bool:
        """Whether it is an order of several types."""
        return len(self.types) > 1

    @property
    def column(self) -> str:
        """The column that holds the answer: events (bigint), of a sequence a truth.

        >>> Act(("view_item", "purchase"), 7).column
        '_view_item_then_purchase_7d'
        """
        return f"_{'_then_'.join(self.types)}{'' if self.days is None else f'_{self.days}d'}"


@dataclass(frozen=True)
class Compiled:
    """``condition`` in Spark SQL, over ``columns`` of the users and the columns of ``acts``."""

    condition: str
    columns: frozenset[str]
    acts: frozenset[Act]


@dataclass(frozen=True)
class Problem:
    """What is wrong at ``offset`` of an expression, and what was probably meant."""

    offset: int
    found: str
    expected: str
    advice: str


class ExpressionError(Exception):
    """An expression that cannot be asked, with everything that is wrong in it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"at {one.offset}: expected {one.expected}; found {one.found}" for one in problems))


@dataclass(frozen=True)
class Vocabulary:
    """What an expression may name: columns with their Spark types, and the schemes of segments with their column and known names."""

    columns: Mapping[str, str]
    schemes: Mapping[str, tuple[str, Collection[str]]] = field(default_factory=dict)


def compile_expression(text: str, known: Vocabulary) -> Compiled:
    """Check ``text`` and write it as a condition of Spark SQL; raises ExpressionError with all that is wrong."""
    try:
        tree = cast("exp.Expression", sqlglot.parse_one(text, read=DIALECT))
    except ParseError as error:
        raise ExpressionError([_unparsed(text, cast("Mapping[str, object]", found)) for found in error.errors]) from None
    except TokenError:
        raise ExpressionError(
            [Problem(0, f"{text!r}, which does not end", "a condition", "Close every quote, with the one that opened it.")]
        ) from None
    reader = _Reader(known)
    kind = reader.kind(tree)
    if not reader.problems and kind not in {Kind.TRUTH, Kind.ANYTHING}:
        reader.complain(tree, "a condition, true or false", f"{kind}: {tree.sql(DIALECT)}", "Compare it with something.")
    if reader.problems:
        raise ExpressionError(sorted(dict.fromkeys(reader.problems), key=lambda one: one.offset))
    return Compiled(_forgiving(tree.transform(reader.compiled)).sql(DIALECT), frozenset(reader.columns), frozenset(reader.acts))


_LOGICAL = (exp.And, exp.Or)
_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_COMPUTED: dict[type[exp.Expression], str] = {
    exp.Add: "try_add",
    exp.Sub: "try_subtract",
    exp.Mul: "try_multiply",
    exp.Div: "try_divide",
    exp.Mod: "try_mod",
}
"""Arithmetic, and Spark's functions that give NULL where it has no result: a division by nothing must not stop a release."""

_KINDS = {"int": Kind.NUMBER, "bigint": Kind.NUMBER, "double": Kind.NUMBER, "string": Kind.TEXT, "date": Kind.DAY, "boolean": Kind.TRUTH}
_FUNCTIONS = "They are done, count_of, done_in_order, in_segment."
_ALLOWED = "AND, OR, NOT, comparisons, BETWEEN, IN, LIKE, IS NULL, + - * / %, and the functions of tags"


class _Reader:
    """One look over a parsed expression: kinds of its parts, what is wrong, and what it needs."""

    def __init__(self, known: Vocabulary) -> None:
        self.known = known
        self.problems: list[Problem] = []
        self.columns: set[str] = set()
        self.acts: set[Act] = set()
        self._functions: dict[str, Callable[[exp.Anonymous], tuple[exp.Expression, Kind] | None]] = {
            "done": self._done,
            "count_of": self._count_of,
            "done_in_order": self._done_in_order,
            "in_segment": self._in_segment,
        }

    def complain(self, node: exp.Expression, expected: str, found: str, advice: str) -> None:
        self.problems.append(Problem(_offset(node), found, expected, advice))

    def kind(self, node: exp.Expression) -> Kind:
        """What a part is, complaining of what is wrong below it."""
        for types, read in self._readers:
            if isinstance(node, types):
                return read(self, node)
        self.complain(node, _ALLOWED, node.sql(DIALECT), "Say it with these, or have it made a feature of the user.")
        return Kind.ANYTHING

    def compiled(self, node: exp.Expression) -> exp.Expression:
        """The part as Spark is asked for it."""
        if isinstance(node, exp.Anonymous):
            answer = self._functions[node.name.lower()](node)
            return answer[0] if answer else node
        return node

    def _paren(self, node: exp.Expression) -> Kind:
        return self.kind(node.this)

    def _logical(self, node: exp.Expression) -> Kind:
        for side in (node.this, node.args.get("expression")):
            if side is not None:
                self._wanted(side, Kind.TRUTH)
        return Kind.TRUTH

    def _compared(self, node: exp.Expression) -> Kind:
        self._alike(node.this, node.expression)
        return Kind.TRUTH

    def _between(self, node: exp.Expression) -> Kind:
        for bound in ("low", "high"):
            self._alike(node.this, node.args[bound])
        return Kind.TRUTH

    def _in(self, node: exp.Expression) -> Kind:
        options = node.args.get("expressions") or []
        if not options:
            self.complain(node, "a list of values after IN", node.sql(DIALECT), "Write IN ('a', 'b').")
        for option in options:
            self._alike(node.this, option)
        return Kind.TRUTH

    def _is(self, node: exp.Expression) -> Kind:
        self.kind(node.this)
        if not isinstance(node.expression, exp.Null | exp.Boolean):
            self.complain(node, "NULL after IS", node.expression.sql(DIALECT), "Compare with =.")
        return Kind.TRUTH

    def _like(self, node: exp.Expression) -> Kind:
        self._wanted(node.this, Kind.TEXT)
        self._wanted(node.expression, Kind.TEXT)
        return Kind.TRUTH

    def _computed(self, node: exp.Expression) -> Kind:
        for side in (node.this, node.args.get("expression")):
            if side is not None:
                self._wanted(side, Kind.NUMBER)
        return Kind.NUMBER

    def _literal(self, node: exp.Expression) -> Kind:
        return Kind.TEXT if node.is_string else Kind.NUMBER

    def _null(self, node: exp.Expression) -> Kind:
        self.complain(
            cast("exp.Expression", node.parent or node),
            "a value",
            "NULL",
            "A comparison with NULL is never true: ask IS NULL or IS NOT NULL.",
        )
        return Kind.ANYTHING

    def _truth(self, _: exp.Expression) -> Kind:
        return Kind.TRUTH

    def _day(self, node: exp.Expression) -> Kind:
        if not (node.args["to"].this == exp.DataType.Type.DATE and isinstance(node.this, exp.Literal) and _is_day(node.this.this)):
            self.complain(node, "a day as DATE '2026-06-30'", node.sql(DIALECT), "Nothing else is cast in a tag.")
        return Kind.DAY

    def _column(self, node: exp.Expression) -> Kind:
        name = node.sql(DIALECT).replace("`", "")
        if name not in self.known.columns:
            self.complain(node, "a column of gold.user_features", name, _suggestion(name, self.known.columns, "docs/tables lists them."))
            return Kind.ANYTHING
        kind = _KINDS.get(self.known.columns[name])
        if kind is None:
            self.complain(node, "a column with one value", f"{name}, {self.known.columns[name]}", "Lists cannot be compared.")
            return Kind.ANYTHING
        self.columns.add(name)
        return kind

    def _function(self, node: exp.Expression) -> Kind:
        read = self._functions.get(node.name.lower())
        if read is None:
            self.complain(
                node,
                "a function of tags",
                f"{node.name}()",
                _suggestion(node.name, self._functions, _FUNCTIONS),
            )
            return Kind.ANYTHING
        answer = read(cast("exp.Anonymous", node))
        return answer[1] if answer else Kind.ANYTHING

    def _done(self, node: exp.Anonymous) -> tuple[exp.Expression, Kind] | None:
        act = self._act(node, 1, 1, "done('purchase', 30), or without days: ever")
        return (exp.paren(exp.GT(this=exp.column(act.column), expression=exp.Literal.number(0))), Kind.TRUTH) if act else None

    def _count_of(self, node: exp.Anonymous) -> tuple[exp.Expression, Kind] | None:
        act = self._act(node, 1, 1, "count_of('add_to_cart', 30), or without days: ever")
        return (exp.column(act.column), Kind.NUMBER) if act else None

    def _done_in_order(self, node: exp.Anonymous) -> tuple[exp.Expression, Kind] | None:
        act = self._act(node, 2, 6, "done_in_order('view_item', 'add_to_cart', 'purchase', 7): two to six types, then days")
        if act and act.days is None:
            self.complain(node, "days after the types", node.sql(DIALECT), "Say in how many of the last days.")
            return None
        return (exp.column(act.column), Kind.TRUTH) if act else None

    def _in_segment(self, node: exp.Anonymous) -> tuple[exp.Expression, Kind] | None:
        values = node.expressions
        if len(values) != 2 or not all(isinstance(value, exp.Literal) and value.is_string for value in values):
            self.complain(node, "in_segment('rfm', 'Champions')", node.sql(DIALECT), "Name the scheme and the segment.")
            return None
        scheme, segment = (value.this for value in values)
        if scheme not in self.known.schemes:
            schemes = ", ".join(self.known.schemes)
            self.complain(values[0], f"a scheme: {schemes}", repr(scheme), _suggestion(scheme, self.known.schemes, f"One of {schemes}."))
            return None
        column, names = self.known.schemes[scheme]
        if names and segment not in names:
            self.complain(values[1], f"a segment of {scheme}", repr(segment), _suggestion(segment, names, f"One of {', '.join(names)}."))
            return None
        self.columns.add(column)
        return exp.paren(exp.EQ(this=exp.column(column), expression=exp.Literal.string(segment))), Kind.TRUTH

    def _act(self, node: exp.Anonymous, least: int, most: int, form: str) -> Act | None:
        values = list(node.expressions)
        days = values.pop() if values and isinstance(values[-1], exp.Literal) and not values[-1].is_string else None
        texts = [value for value in values if isinstance(value, exp.Literal) and value.is_string]
        if len(texts) != len(values) or not least <= len(texts) <= most:
            self.complain(node, form, node.sql(DIALECT), "Types are texts, days a whole number.")
            return None
        wrong = [text for text in texts if text.this not in EVENT_TYPES]
        for text in wrong:
            self.complain(text, "an event type", repr(text.this), _suggestion(text.this, EVENT_TYPES, f"One of {', '.join(EVENT_TYPES)}."))
        if days is not None and not (days.this.isdigit() and 1 <= int(days.this) <= MOST_DAYS):
            self.complain(days, f"days from 1 to {MOST_DAYS}", days.this, "Count whole days, the as-of day among them.")
            return None
        if wrong:
            return None
        act = Act(tuple(text.this for text in texts), int(days.this) if days is not None else None)
        self.acts.add(act)
        return act

    def _wanted(self, node: exp.Expression, wanted: Kind) -> None:
        found = self.kind(node)
        if found not in {wanted, Kind.ANYTHING}:
            advice = "Compare it first." if wanted is Kind.TRUTH else "Check what it is."
            self.complain(node, str(wanted), f"{found}: {node.sql(DIALECT)}", advice)

    def _alike(self, left: exp.Expression, right: exp.Expression) -> None:
        one, other = self.kind(left), self.kind(right)
        if Kind.ANYTHING not in {one, other} and one != other:
            advice = "Days are written DATE '2026-06-30'." if Kind.DAY in {one, other} else "Texts stand in quotes, numbers do not."
            self.complain(right, f"{one}, as {left.sql(DIALECT)} is", f"{other}: {right.sql(DIALECT)}", advice)

    _readers: tuple[tuple[type[exp.Expression] | tuple[type[exp.Expression], ...], Callable[["_Reader", exp.Expression], Kind]], ...] = (
        (exp.Paren, _paren),
        ((*_LOGICAL, exp.Not), _logical),
        (_COMPARED, _compared),
        (exp.Between, _between),
        (exp.In, _in),
        (exp.Is, _is),
        (exp.Like, _like),
        ((*_COMPUTED, exp.Neg), _computed),
        (exp.Literal, _literal),
        (exp.Null, _null),
        (exp.Boolean, _truth),
        (exp.Cast, _day),
        (exp.Column, _column),
        (exp.Anonymous, _function),
    )


def _forgiving(tree: exp.Expression) -> exp.Expression:
    """The same with arithmetic that gives NULL where it has no result."""
    for node in reversed(list(tree.find_all(*_COMPUTED))):
        node.replace(exp.Anonymous(this=_COMPUTED[type(node)], expressions=[node.this, node.expression]))
    return tree


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _offset(node: exp.Expression) -> int:
    """Where a part begins: the least place of anything in it."""
    places = [found.meta["start"] for found in node.walk() if "start" in found.meta]
    return min(places, default=0)


def _suggestion(name: str, options: Collection[str], otherwise: str) -> str:
    near = difflib.get_close_matches(name.lower(), {option.lower(): option for option in options}, n=1, cutoff=0.5)
    meant = next((option for option in options if near and option.lower() == near[0]), None)
    return f"Did you mean {meant}?" if meant else otherwise


def _unparsed(text: str, found: Mapping[str, object]) -> Problem:
    before = f"{found.get('start_context') or ''}"
    place = text.find(before) + len(before) if before else 0
    word = f"{found.get('highlight') or ''}" or "the end"
    return Problem(place, word, "a condition", "Something is missing before it, or too much: check operators and brackets.")
