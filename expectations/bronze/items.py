"""What must be true of ``bronze.items``."""

from expectations.bronze.lines import of_lines
from expectations.suite import Suite

SUITE = Suite("bronze.items", of_lines())
