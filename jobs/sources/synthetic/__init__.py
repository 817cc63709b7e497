"""The synthetic shop: the native format under a name of its own, with every feed; it sells in euros."""

from dataclasses import replace

from jobs.sources import native

SOURCE = replace(
    native.SOURCE,
    name="synthetic",
    doc="A shop made from a seed, in the native format.",
    currency="EUR",
    feeds=tuple(replace(feed, is_optional=False) for feed in native.SOURCE.feeds),
)
