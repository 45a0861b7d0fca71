"""Migrations keep the rows of running snapshot builds."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from recommender.models import SnapshotBuild, SnapshotBuildPart


def migrate_to(name: str) -> MigrationExecutor:
    executor = MigrationExecutor(connection)
    executor.migrate([("recommender", name)])
    return executor


def newest() -> str:
    return str(MigrationExecutor(connection).loader.graph.leaf_nodes("recommender")[0][1])


@pytest.mark.django_db(transaction=True)
def test_a_recomputation_at_work_becomes_a_snapshot_build_with_its_parts() -> None:
    old = migrate_to("0008_default_words").loader.project_state([("recommender", "0008_default_words")]).apps
    try:
        recomputation = old.get_model("recommender", "Recomputation").objects.create(
            folder="f", figures={"songs": 3}, labels_read=1, plays_read=2
        )
        parts = old.get_model("recommender", "RecomputationPart").objects
        parts.create(recomputation=recomputation, name="cooccurrence", block=1, blocks=2, done=True)
    finally:
        migrate_to(newest())
    build = SnapshotBuild.objects.get()
    assert (build.folder, build.figures, build.labels_read, build.plays_read) == ("f", {"songs": 3}, 1, 2)
    part = SnapshotBuildPart.objects.get(snapshot_build=build)
    assert (part.name, part.block, part.blocks, part.done) == ("cooccurrence", 1, 2, True)
