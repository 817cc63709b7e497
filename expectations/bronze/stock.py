"""What must be true of ``bronze.stock``."""

from expectations.bronze.lines import of_lines
from expectations.suite import Suite

SUITE = Suite("bronze.stock", of_lines())
