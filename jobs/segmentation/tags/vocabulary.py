"""What tags may name: the columns of gold.user_features, and the schemes of gold.user_segments."""

from expectations.vocabulary import SCHEMES
from jobs.gold.user_features import USER_FEATURES
from jobs.segmentation import rfm
from jobs.segmentation.tags.expression import Vocabulary


def vocabulary() -> Vocabulary:
    """Names of clusters follow from a model, so they are not known before it is; those of RFM are."""
    columns = {column.name: column.type for column in USER_FEATURES.columns if column.name not in USER_FEATURES.key}
    rfm_names = tuple(segment.name for segment in rfm.SEGMENTS)
    clusters = {scheme: (f"{scheme}_segment", ()) for scheme in SCHEMES if scheme != "rfm"}
    return Vocabulary(columns, {"rfm": ("rfm_segment", rfm_names), **clusters})
