"""Expectations in words, for people who read a table's page."""

from collections.abc import Callable, Mapping
from typing import Any

from great_expectations.expectations.expectation import Expectation

_Arguments = Mapping[str, Any]


def severity(expectation: Expectation) -> str:
    """``critical``, ``warning`` or ``info``."""
    return str(getattr(expectation.severity, "value", expectation.severity))


def in_words(expectation: Expectation) -> str:
    """The rule as a sentence; one of an unknown type as its name and arguments."""
    kwargs = {name: value for name, value in expectation.configuration.kwargs.items() if value is not None}
    kind = str(expectation.expectation_type)
    writer = _SENTENCES.get(kind)
    if writer is None:
        told = ", ".join(f"{name} {value}" for name, value in sorted(kwargs.items()) if name not in {"severity", "batch_id"})
        sentence = f"{kind.replace('_', ' ')}: {told}"
    else:
        sentence = writer(kwargs)
    share = kwargs.get("mostly", 1)
    sentence += f", in at least {share:.2%} of the rows" if share != 1 else ""
    condition = kwargs.get("row_condition")
    return sentence + (f", where `{condition}`" if condition else "")


def _range(kwargs: _Arguments, subject: str) -> str:
    low, high = _number(kwargs.get("min_value")), _number(kwargs.get("max_value"))
    least = "more than" if kwargs.get("strict_min") else "at least"
    most = "less than" if kwargs.get("strict_max") else "at most"
    if low is not None and low == high:
        return f"{subject} is {low}"
    bounds = [f"{least} {low}" if low is not None else "", f"{most} {high}" if high is not None else ""]
    return f"{subject} is {' and '.join(bound for bound in bounds if bound)}"


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _column(kwargs: _Arguments) -> str:
    return f"`{kwargs['column']}`"


def _columns(kwargs: _Arguments) -> str:
    return ", ".join(f"`{name}`" for name in kwargs["column_list"])


def _values(kwargs: _Arguments) -> str:
    return ", ".join(str(value) for value in kwargs.get("value_set", []))


_SENTENCES: dict[str, Callable[[_Arguments], str]] = {
    "expect_column_values_to_not_be_null": lambda k: f"{_column(k)} is never NULL",
    "expect_column_values_to_be_null": lambda k: f"{_column(k)} is always NULL",
    "expect_column_values_to_be_unique": lambda k: f"{_column(k)} never repeats",
    "expect_compound_columns_to_be_unique": lambda k: f"{_columns(k)} together never repeat",
    "expect_column_values_to_be_between": lambda k: _range(k, _column(k)),
    "expect_column_value_lengths_to_be_between": lambda k: _range(k, f"the length of {_column(k)}"),
    "expect_column_value_lengths_to_equal": lambda k: f"the length of {_column(k)} is {k['value']}",
    "expect_column_values_to_be_in_set": lambda k: f"{_column(k)} is one of {_values(k)}",
    "expect_column_values_to_not_be_in_set": lambda k: f"{_column(k)} is none of {_values(k)}",
    "expect_column_values_to_match_regex": lambda k: f"{_column(k)} matches `{k['regex']}`",
    "expect_column_values_to_not_match_regex": lambda k: f"{_column(k)} does not match `{k['regex']}`",
    "expect_column_pair_values_a_to_be_greater_than_b": lambda k: (
        f"`{k['column_A']}` is {'at least' if k.get('or_equal') else 'more than'} `{k['column_B']}`"
    ),
    "expect_column_pair_values_to_be_equal": lambda k: f"`{k['column_A']}` equals `{k['column_B']}`",
    "expect_column_distinct_values_to_be_in_set": lambda k: f"{_column(k)} takes only the values {_values(k)}",
    "expect_column_distinct_values_to_contain_set": lambda k: f"{_column(k)} takes each of the values {_values(k)}",
    "expect_column_distinct_values_to_equal_set": lambda k: f"{_column(k)} takes exactly the values {_values(k)}",
    "expect_column_unique_value_count_to_be_between": lambda k: _range(k, f"the number of values of {_column(k)}"),
    "expect_column_proportion_of_unique_values_to_be_between": lambda k: _range(k, f"the share of distinct values of {_column(k)}"),
    "expect_column_proportion_of_non_null_values_to_be_between": lambda k: _range(k, f"the share of filled values of {_column(k)}"),
    "expect_column_sum_to_be_between": lambda k: _range(k, f"the sum of {_column(k)}"),
    "expect_column_mean_to_be_between": lambda k: _range(k, f"the mean of {_column(k)}"),
    "expect_column_min_to_be_between": lambda k: _range(k, f"the least {_column(k)}"),
    "expect_column_max_to_be_between": lambda k: _range(k, f"the greatest {_column(k)}"),
    "expect_column_median_to_be_between": lambda k: _range(k, f"the median of {_column(k)}"),
    "expect_column_stdev_to_be_between": lambda k: _range(k, f"the standard deviation of {_column(k)}"),
    "expect_multicolumn_sum_to_equal": lambda k: f"the sum of {_columns(k)} is {k['sum_total']}",
    "expect_select_column_values_to_be_unique_within_record": lambda k: f"{_columns(k)} differ within a row",
    "expect_table_row_count_to_be_between": lambda k: _range(k, "the number of rows"),
    "expect_table_row_count_to_equal": lambda k: f"the number of rows is {k['value']}",
}
