"""An app that shortens leases and cuts co-occurrence into many blocks, for tests that kill workers."""

from __future__ import annotations

from datetime import timedelta

from django.apps import AppConfig


class SmallBuilds(AppConfig):
    """Small blocks and short leases."""

    name = "tests.services"
    label = "small_builds"

    def ready(self) -> None:
        from catalog import leases
        from recommender.engine import cooccurrence
        from recommender.snapshots import parts

        cooccurrence.WORK_OF_A_BLOCK = 200.0
        leases.LEASE = timedelta(seconds=10)
        leases.HEARTBEAT_EVERY_S = 0.5
        # A busy machine may exceed the short leases: never give a build up.
        parts.ATTEMPTS = 100
