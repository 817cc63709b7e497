"""What must be true of ``bronze.events``."""

from expectations.bronze.lines import of_lines
from expectations.suite import Suite

SUITE = Suite("bronze.events", of_lines())
