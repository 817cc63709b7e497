"""The models that can be asked for by name, with the parameters that they have unless somebody searches for better ones."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from jobs.errors import BadDataError
from jobs.recommender.models.als import AlsTrainer
from jobs.recommender.models.bpr import BprTrainer
from jobs.recommender.models.content import ContentTrainer
from jobs.recommender.models.ease import EaseTrainer
from jobs.recommender.models.hybrid import HybridTrainer
from jobs.recommender.models.item2vec import Item2VecTrainer
from jobs.recommender.models.item_neighbours import ItemNeighboursTrainer
from jobs.recommender.models.markov import MarkovTrainer
from jobs.recommender.models.popularity import PopularityTrainer
from jobs.recommender.models.rules import RulesTrainer
from jobs.recommender.models.sasrec import SasrecTrainer
from jobs.recommender.models.user_neighbours import UserNeighboursTrainer
from jobs.recommender.models.vmis_knn import VmisKnnTrainer
from jobs.recommender.ranker import Trainer

TRAINERS: Mapping[str, Trainer] = {
    trainer.name: trainer
    for trainer in (
        PopularityTrainer(),
        ItemNeighboursTrainer(),
        UserNeighboursTrainer(),
        RulesTrainer(),
        MarkovTrainer(),
        VmisKnnTrainer(),
        Item2VecTrainer(),
        EaseTrainer(),
        AlsTrainer(),
        BprTrainer(),
        HybridTrainer(),
    )
}
"""Those that need nothing but signals."""

CONTENT = "content"
SEQUENCE = SasrecTrainer()
"""Needs the packages of an extra."""

NAMES = tuple(sorted([*TRAINERS, CONTENT, SEQUENCE.name]))
"""Of all models, those included that need more than signals."""


def chosen(names: Sequence[str] | None, items: pa.Table | None = None) -> list[Trainer]:
    """The trainers of these ``NAMES``; without names all that can be fitted here.

    ``content`` is among them with ``items`` (as in ``ContentTrainer``), ``sasrec`` where JAX is installed. Raises BadDataError where the
    one is named without items, MissingExtraError where the other is without JAX.
    """
    trainers: dict[str, Trainer] = {**TRAINERS}
    if items is not None:
        trainers[CONTENT] = ContentTrainer(items)
    elif names is not None and CONTENT in names:
        raise BadDataError(CONTENT, expected="a file with what the items say", found="none", advice="Name one with --items.")
    if names is not None and SEQUENCE.name in names:
        SEQUENCE.require_packages()
    if SEQUENCE.is_available():
        trainers[SEQUENCE.name] = SEQUENCE
    return [trainers[name] for name in names or sorted(trainers)]
