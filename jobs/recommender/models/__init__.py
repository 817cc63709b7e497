"""The family: one module a model, each a frozen ``Trainer`` and its ``Ranker`` (ADR 7)."""
