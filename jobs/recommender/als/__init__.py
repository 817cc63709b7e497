"""Implicit alternating least squares in blocks: Spark distributes them, machine code solves them (docs/performance.md, ADR 11)."""
