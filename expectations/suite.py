"""What a suite is: a table's name and the expectations that its written rows must meet."""

from dataclasses import dataclass

from great_expectations.expectations import Expectation


@dataclass(frozen=True)
class Suite:
    """The expectations of one table.

    An expectation of severity ``critical`` stops the task before anything is published; one of severity ``warning`` is recorded. Every
    expectation is an aggregate over columns (no row leaves Spark), so that the whole suite costs one pass, and another over each compound
    key (``expectations/one_pass.py``).
    """

    table: str
    expectations: tuple[Expectation, ...]
