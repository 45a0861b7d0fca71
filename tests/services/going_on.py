"""Snapshots cut small, and workers that are soon missed: what a test can kill in the middle and wait for."""

from __future__ import annotations

from datetime import timedelta

from django.apps import AppConfig


class GoingOn(AppConfig):
    """Cuts co-occurrence into many blocks, and shortens the time after which a worker's part is another's."""

    name = "tests.services"
    label = "going_on"

    def ready(self) -> None:
        from recommender import recomputing
        from recommender.engine import cooccurrence

        cooccurrence._WORK_OF_A_BLOCK = 200.0
        recomputing.LEASE = timedelta(seconds=10)
        recomputing._SAY_AGAIN_S = 0.5
        # A machine with much else to do may be slower than that: nothing is given up for it.
        recomputing.ATTEMPTS = 100
