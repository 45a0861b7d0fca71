"""Configuration of the app `tagging`."""

from django.apps import AppConfig


class TaggingConfig(AppConfig):
    """The app `tagging`."""

    name = "tagging"

    def ready(self) -> None:
        """Register receivers of signals, the curators' thresholds and the labels in the background."""
        from . import background, curation, receivers  # noqa: F401 (they register themselves)
