"""App configuration of the recommender."""

from django.apps import AppConfig


class RecommenderConfig(AppConfig):
    """App configuration."""

    name = "recommender"

    def ready(self) -> None:
        """Register signal receivers and registry entries by importing them."""
        from . import receivers  # noqa: F401 (they register themselves)
        from .services import exporting, naming  # noqa: F401 (the same)
