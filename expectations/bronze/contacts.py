"""What must be true of ``bronze.contacts``."""

from expectations.bronze.lines import of_lines
from expectations.suite import Suite

SUITE = Suite("bronze.contacts", of_lines())
