from django.apps import AppConfig


class MoodConfig(AppConfig):
    name = "mood"

    def ready(self) -> None:
        from . import exporting, naming  # noqa: F401 (they register themselves)
