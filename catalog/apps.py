"""Django's configuration of the catalogue."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Songs, labels, plays and playlists: the data that every app shares."""

    name = "catalog"

    def ready(self) -> None:
        """Import the modules that register receivers and sections."""
        from . import receivers  # noqa: F401 (they register themselves)
        from .services import account_deletion, exporting  # noqa: F401 (the same)
