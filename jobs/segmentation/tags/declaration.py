"""The reviewed file of tags: read, checked line by line, compiled; a wrong one is refused whole, with every fault and where it stands."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from jobs.errors import TagsError
from jobs.segmentation.tags.expression import Compiled, ExpressionError, Vocabulary, compile_expression

FORMAT = 1
MOST_LISTED = 10_000
"""Users that an individual tag may list; more are a table, not a line of a reviewed file."""

OWN = "tags.yaml"
"""The tags that come with the platform, beside this module."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{2,59}$")]
Channel = Literal["email", "sms", "push", "ads"]
Words = Annotated[str, StringConstraints(min_length=3, max_length=300, strip_whitespace=True)]


class Declared(BaseModel):
    """One tag as the file has it.

    A **global** tag has ``when``, a rule that everybody is asked; an **individual** one lists the ``users`` (pseudonyms) to whom somebody
    has given it. It is true on the as-of days ``valid_from`` <= day < ``valid_until``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="What it is called, in small letters; never used again for something else.")
    meaning: Words = Field(description="What is true of a user who has it, for who reads an export.")
    owner: Words = Field(description="Who answers for it.")
    when: str | None = Field(default=None, description="The rule of a global tag.")
    users: tuple[str, ...] | None = Field(default=None, max_length=MOST_LISTED, description="The users of an individual tag.")
    channels: tuple[Channel, ...] = Field(default=(), description="On which who has it may be addressed; on none where it is left out.")
    valid_from: date | None = Field(default=None, description="First day; from the beginning where it is left out.")
    valid_until: date | None = Field(default=None, description="First day on which it is over; for ever where it is left out.")

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.when is None) == (self.users is None):
            message = "a tag has a rule (when) or a list (users), one of both"
            raise ValueError(message)
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            message = f"a tag is over after it begins; found valid_from {self.valid_from}, valid_until {self.valid_until}"
            raise ValueError(message)
        return self


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    tags: tuple[Declared, ...]


@dataclass(frozen=True)
class Tag:
    """A tag that has been checked; ``rule`` is None of an individual one."""

    declared: Declared
    rule: Compiled | None
    place: str

    @property
    def name(self) -> str:
        """What it is called."""
        return self.declared.name

    @property
    def scope(self) -> str:
        """``global`` or ``individual``."""
        return "individual" if self.rule is None else "global"

    @property
    def channels(self) -> tuple[str, ...]:
        """On which channels who has it may be addressed, each once; then it is an audience."""
        return tuple(sorted(set(self.declared.channels)))

    def is_valid_on(self, day: date) -> bool:
        """Whether it is asked for on an as-of day."""
        begins, ends = self.declared.valid_from, self.declared.valid_until
        return (begins is None or begins <= day) and (ends is None or day < ends)


@dataclass(frozen=True)
class Fault:
    """Something that is wrong at a line of a file."""

    place: str
    expected: str
    found: str
    advice: str

    def __str__(self) -> str:
        return f"{self.place}: expected {self.expected}; found {self.found}. {self.advice}"


def own_tags(known: Vocabulary) -> tuple[Tag, ...]:
    """The tags that come with the platform."""
    return read(OWN, files("jobs.segmentation.tags").joinpath(OWN).read_text(encoding="utf-8"), known)


def tags_of(path: Path | None, known: Vocabulary) -> tuple[Tag, ...]:
    """Those of the platform, and those of the shop's own file; raises TagsError where one is wrong or two have one name."""
    own = own_tags(known)
    if path is None:
        return own
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TagsError(str(path), expected="a readable file of tags", found=str(error), advice="Correct TRADEWIND_TAGS_FILE.") from None
    mine = read(str(path), text, known)
    taken = {tag.name: tag.place for tag in own}
    twice = [
        Fault(tag.place, "a name of its own", f"{tag.name}, as at {taken[tag.name]}", "Rename it.") for tag in mine if tag.name in taken
    ]
    _require(twice)
    return own + mine


def read(name: str, text: str, known: Vocabulary) -> tuple[Tag, ...]:
    """The tags of a file's text, in its order; raises TagsError that lists every fault with file, line and column."""
    node = _composed(name, text)
    try:
        content = _File.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        raise _refused([_invalid(name, node, detail["loc"], detail["msg"], detail["input"]) for detail in error.errors()]) from None
    except ValueError as error:  # a date that is none, of YAML itself
        raise _refused([Fault(f"{name}:1", "values that YAML can read", str(error), "Quote what is no date.")]) from None
    tags, faults, seen = [], list[Fault](), dict[str, str]()
    for number, declared in enumerate(content.tags):
        place = _place(name, _below(node, ("tags", number)))
        if declared.name in seen:
            faults.append(Fault(place, "a name of its own", f"{declared.name}, as at {seen[declared.name]}", "Rename one of them."))
        seen.setdefault(declared.name, place)
        rule = None
        if declared.when is not None:
            try:
                rule = compile_expression(declared.when, known)
            except ExpressionError as error:
                where = _Scalar(name, text, _below(node, ("tags", number, "when")))
                faults += [Fault(where.place(one.offset), one.expected, one.found, one.advice) for one in error.problems]
        tags.append(Tag(declared, rule, place))
    _require(faults)
    return tuple(tags)


@dataclass(frozen=True)
class _Scalar:
    """A text of a YAML file, and where its parts stand in the file, however it is quoted or folded."""

    name: str
    text: str
    node: yaml.Node

    def place(self, offset: int) -> str:
        """``file:line:column``, from 1, of the character ``offset`` of the value."""
        begin, end = self.node.start_mark.index, self.node.end_mark.index
        raw, value = self.text[begin:end], str(self.node.value)
        # The same signs stand in both, white space apart: count those before it.
        before = sum(not sign.isspace() for sign in value[:offset])
        index, seen = begin, 0
        skipped = 1 if raw[:1] in "'\"" else len(raw) - len(raw.partition("\n")[2]) if raw[:1] in "|>" else 0
        for position, sign in enumerate(raw[skipped:], start=begin + skipped):
            index = position
            if not sign.isspace():
                if seen == before:
                    break
                seen += 1
        line = self.text.count("\n", 0, index) + 1
        return f"{self.name}:{line}:{index - self.text.rfind(chr(10), 0, index)}"


def _composed(name: str, text: str) -> yaml.Node:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise _refused([Fault(place, "YAML", f"{error.problem}", "Check indentation, colons and quotes.")]) from None
    if node is None:
        raise _refused([Fault(name, f"format: {FORMAT} and tags", "an empty file", "Begin with what docs/tags.md shows.")])
    return node


def _invalid(name: str, root: yaml.Node, where: Sequence[int | str], message: str, found: object) -> Fault:
    what = ".".join(str(part) for part in where if not isinstance(part, int)) or "the file"
    advice = "docs/tags.md says what a tag has."
    return Fault(_place(name, _below(root, where)), f"{what}: {message}", _short(found), advice)


def _short(value: object) -> str:
    shown = repr(value) if not isinstance(value, Mapping) else f"{', '.join(map(str, value)) or 'nothing'}"
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _below(node: yaml.Node, where: Sequence[int | str]) -> yaml.Node:
    """The node at a path, or the last one on the way that is there."""
    for part in where:
        options = dict(_children(node))
        if part not in options:
            return node
        node = options[part]
    return node


def _children(node: yaml.Node) -> Iterator[tuple[int | str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key.value, value
    elif isinstance(node, yaml.SequenceNode):
        yield from enumerate(node.value)


def _place(name: str, node: yaml.Node) -> str:
    return f"{name}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def _require(faults: Sequence[Fault]) -> None:
    if faults:
        raise _refused(faults)


def _refused(faults: Sequence[Fault]) -> TagsError:
    first, *others = faults
    more = "".join(f"\n{fault}" for fault in others)
    return TagsError(first.place, expected=first.expected, found=first.found, advice=f"{first.advice}{more}")
