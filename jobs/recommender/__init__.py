"""Recommenders: candidates, their honest comparison, the gate, and the slates that everybody gets."""
