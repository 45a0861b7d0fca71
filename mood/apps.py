"""Django's configuration of mood."""

from django.apps import AppConfig


class MoodConfig(AppConfig):
    """Registers what mood adds to exports and to the renaming of labels."""

    name = "mood"

    def ready(self) -> None:
        """Import the modules that register themselves."""
        from . import exporting, naming  # noqa: F401 (they register themselves)
