"""The models that can be asked for by name, with the parameters that they have unless somebody searches for better ones."""

from collections.abc import Mapping

from jobs.recommender.models.als import AlsTrainer
from jobs.recommender.models.ease import EaseTrainer
from jobs.recommender.models.hybrid import HybridTrainer
from jobs.recommender.models.item2vec import Item2VecTrainer
from jobs.recommender.models.item_neighbours import ItemNeighboursTrainer
from jobs.recommender.models.markov import MarkovTrainer
from jobs.recommender.models.popularity import PopularityTrainer
from jobs.recommender.models.rules import RulesTrainer
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
        HybridTrainer(),
    )
}
