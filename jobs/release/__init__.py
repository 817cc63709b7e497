"""Releases: what readers see together, committed by creating one object."""
