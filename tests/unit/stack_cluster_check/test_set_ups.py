"""Claims about the set-ups of the cluster check: settings differ, nothing else."""

import pytest
from pyspark.sql import SparkSession

from jobs.recommender.als.blocks import PAIRS_A_BLOCK
from jobs.settings import Settings
from stack.cluster_check.set_ups import set_ups, shop_of
from stack.cluster_check.work import PAIRS, made_pairs
from stack.services import Stack
from stack.shop import store_of

CLUSTER = "spark://127.0.0.1:7077"
DIFFERING = {"bucket", "catalog_uri", "spark_master", "spark_shuffle_partitions", "scratch_uri"}


def test_every_number_of_partitions_and_the_cluster_are_there() -> None:
    found = [(one.master, one.partitions, one.loses_an_executor) for one in set_ups(CLUSTER)]
    assert found == [*(("local[2]", partitions, False) for partitions in (1, 2, 4, 8)), (CLUSTER, 4, False), (CLUSTER, 4, True)]


def test_set_ups_have_the_same_landed_files_and_differ_in_settings_alone(test_stack: Stack) -> None:
    landed = store_of(test_stack)
    landed.write("landing/synthetic/events/2026-06-30/part-0.jsonl.gz", b"lines")
    chosen = [set_ups(CLUSTER)[0], set_ups(CLUSTER)[-2]]
    environments = [shop_of(test_stack, one) for one in chosen]
    settings = [Settings.from_environment({"TRADEWIND_ENV_FILE": one["TRADEWIND_ENV_FILE"]}) for one in environments]
    assert {name for name in Settings.model_fields if getattr(settings[0], name) != getattr(settings[1], name)} == DIFFERING
    assert [one.scratch_is_in_store for one in settings] == [False, True]
    for one in settings:
        assert landed.from_settings(one).read("landing/synthetic/events/2026-06-30/part-0.jsonl.gz") == b"lines"
    changed = {name for name in environments[0] if environments[0][name] != environments[1][name]}
    assert changed == {"TRADEWIND_ENV_FILE", "SPARK_CONF_DIR"}


def test_the_made_matrix_has_several_blocks() -> None:
    assert 2 * PAIRS_A_BLOCK < PAIRS


def test_made_pairs_are_the_same_in_any_number_of_partitions(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.cluster_check.work.PAIRS", 200)
    found = [made_pairs(spark, partitions) for partitions in (1, 3)]
    assert [one.rdd.getNumPartitions() for one in found] == [1, 3]
    assert found[0].collect() == found[1].collect()
    assert found[0].distinct().count() > 150
