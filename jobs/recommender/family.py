"""The models that can be asked for by name, with the parameters that they have unless somebody searches for better ones."""

from collections.abc import Mapping
from typing import Any

from jobs.recommender.models.als import Als, AlsTrainer
from jobs.recommender.models.ease import Ease, EaseTrainer
from jobs.recommender.models.item2vec import Item2Vec, Item2VecTrainer
from jobs.recommender.models.item_neighbours import ItemNeighbours, ItemNeighboursTrainer
from jobs.recommender.models.markov import Markov, MarkovTrainer
from jobs.recommender.models.popularity import Popularity, PopularityTrainer
from jobs.recommender.models.rules import Rules, RulesTrainer
from jobs.recommender.models.user_neighbours import UserNeighbours, UserNeighboursTrainer
from jobs.recommender.models.vmis_knn import VmisKnn, VmisKnnTrainer
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
    )
}

RANKERS: Mapping[str, type[Any]] = {
    kind.__name__: kind for kind in (Popularity, ItemNeighbours, UserNeighbours, Rules, Markov, VmisKnn, Item2Vec, Ease, Als)
}
"""What the trainers fit, by the name under which a kept model says what it is."""
