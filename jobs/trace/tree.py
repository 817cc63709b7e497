"""An answer: a tree of named things with their facts, for a terminal and as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.text import Text
from rich.tree import Tree

LONGEST_SHOWN = 300
"""Characters of one fact on a terminal; JSON holds it whole."""


@dataclass(frozen=True)
class Node:
    """One thing: its kind (``release``, ``snapshot``, ``line`` ...), its name, what is known of it, and the things behind it.

    A fact that is None is unknown or does not apply; it shows in JSON and not on a terminal. Ids of snapshots are text: JSON numbers lose
    digits beyond 2**53.
    """

    kind: str
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple["Node", ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The tree as plain values; a thing without parts has no ``parts``."""
        own = {"kind": self.kind, "name": self.name, **({"facts": dict(self.facts)} if self.facts else {})}
        return own | ({"parts": [part.as_dict() for part in self.parts]} if self.parts else {})

    def as_tree(self) -> Tree:
        """The tree for a terminal."""
        tree = Tree(self._label())
        for part in self.parts:
            tree.children.append(part.as_tree())
        return tree

    def find(self, kind: str) -> list["Node"]:
        """Every thing of a kind in the tree, this one too, from the top."""
        return [*([self] if self.kind == kind else []), *(found for part in self.parts for found in part.find(kind))]

    def _label(self) -> Text:
        label = Text(f"{self.kind} ", style="dim", overflow="fold")
        label.append(printable(self.name), style="bold")
        for name, value in self.facts.items():
            if value is not None:
                label.append(f"\n{name} ", style="dim")
                label.append(_shown(value))
        return label


def printable(text: str) -> str:
    r"""The text without what would steer a terminal: landed lines may hold anything.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        text = ", ".join(f"{name} {_shown(one)}" for name, one in value.items() if one is not None)
    elif isinstance(value, list | tuple):
        text = ", ".join(_shown(one) for one in value)
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, int):
        text = f"{value:,}"
    else:
        text = printable(str(value))
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]} ..."
