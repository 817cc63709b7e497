"""Backfills with open eyes: what a range of landing days would replace, before anything runs."""
