from django.apps import AppConfig


class TaggingConfig(AppConfig):
    name = "tagging"

    def ready(self) -> None:
        from . import curation, receivers  # noqa: F401 (they register themselves)
