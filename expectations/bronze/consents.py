"""What must be true of ``bronze.consents``."""

from expectations.bronze.lines import of_lines
from expectations.suite import Suite

SUITE = Suite("bronze.consents", of_lines())
