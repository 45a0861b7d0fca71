"""What was left behind is found within seconds: a clock that a test can wait for."""

from __future__ import annotations

from datetime import timedelta

from django.apps import AppConfig


class Impatience(AppConfig):
    """Shortens the time after which whoever shows no sign of life counts as gone."""

    name = "tests.services"
    label = "impatience"

    def ready(self) -> None:
        from tagging.services import first_pass

        first_pass.STALE_AFTER = timedelta(seconds=3)
        first_pass.HEARTBEAT_S = 0.5
