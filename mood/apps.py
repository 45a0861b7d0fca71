from django.apps import AppConfig


class MoodConfig(AppConfig):
    name = "mood"

    def ready(self) -> None:
        from . import exporting  # noqa: F401 (it registers itself)
