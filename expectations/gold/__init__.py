"""Suites of the gold layer."""
