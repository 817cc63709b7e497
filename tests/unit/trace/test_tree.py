"""What a person reads on the terminal."""

import io

from rich.console import Console

from jobs.trace.tree import LONGEST_SHOWN, Node


def text(node: Node) -> str:
    out = io.StringIO()
    Console(file=out, width=400, highlight=False).print(node.as_tree())
    return out.getvalue()


def test_facts_stand_below_their_thing_and_unknown_ones_are_left_out() -> None:
    shown = text(Node("release", "2027-05-01-000001", {"is_current": True, "withdraws": None, "rows": 12_345}, (Node("set", "s"),)))
    assert "is_current yes" in shown
    assert "rows 12,345" in shown
    assert "withdraws" not in shown
    assert shown.index("release") < shown.index("set")


def test_a_landed_line_cannot_steer_the_terminal_nor_flood_it_nor_be_read_as_markup() -> None:
    shown = text(Node("line", "f line 1", {"text": "\x1b]0;owned\x07[bold red]x" + "y" * 10_000}))
    assert "\x1b" not in shown
    assert "\\x1b]0;owned\\x07[bold red]x" in shown
    assert shown.count("y") <= LONGEST_SHOWN
