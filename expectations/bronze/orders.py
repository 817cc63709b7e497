"""What must be true of ``bronze.orders``."""

from expectations.bronze.lines import of_lines
from expectations.suite import Suite

SUITE = Suite("bronze.orders", of_lines())
