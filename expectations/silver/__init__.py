"""Suites of the silver layer."""
