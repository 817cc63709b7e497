"""What tags may name: the columns of gold.user_features, and the schemes of gold.user_segments."""

from expectations.vocabulary import SCHEMES
from jobs.gold.user_features import USER_FEATURES
from jobs.segmentation import lifecycle, rfm
from jobs.segmentation.tags.expression import Vocabulary


def vocabulary() -> Vocabulary:
    """Names of clusters follow from a model, of affinities from the catalogue, so they are not known before; those of cells are."""
    columns = {column.name: column.type for column in USER_FEATURES.columns if column.name not in USER_FEATURES.key}
    known = {"rfm": rfm.SEGMENTS, "lifecycle": lifecycle.SEGMENTS}
    names = {scheme: tuple(segment.name for segment in known.get(scheme, ())) for scheme in SCHEMES}
    return Vocabulary(columns, {scheme: (f"{scheme}_segment", names[scheme]) for scheme in SCHEMES})
