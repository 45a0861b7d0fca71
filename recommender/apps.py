from django.apps import AppConfig


class RecommenderConfig(AppConfig):
    name = "recommender"

    def ready(self) -> None:
        from . import exporting, naming, receivers  # noqa: F401 (they register themselves)
