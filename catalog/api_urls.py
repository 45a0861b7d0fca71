"""The addresses of the catalogue's part of the API."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter
from rest_framework.routers import SimpleRouter

from . import api, playlists_api
from .filters import LARGEST_ID


class IdConverter(IntConverter):
    """An id that a database can hold: a larger one belongs to nothing, and not every lookup says so."""

    def to_python(self, value: str) -> int:
        number = super().to_python(value)
        if number > LARGEST_ID:
            raise ValueError(number)
        return number


register_converter(IdConverter, "id")

router = SimpleRouter(use_regex_path=False)
router.register("songs", api.Songs, basename="api-song")
router.register("labels", api.Labels, basename="api-label")
router.register("ratings", api.Ratings, basename="api-rating")
router.register("plays", api.Plays, basename="api-play")
router.register("play-counts", api.PlayCounts, basename="api-play-count")
router.register("not-this", api.NotThese, basename="api-not-this")
router.register("nudges", api.Nudges, basename="api-nudge")
router.register("playlists", playlists_api.Playlists, basename="api-playlist")

urlpatterns = [
    *router.urls,
    path("upload/", api.Upload.as_view(), name="api-upload"),
    path("export/", api.Export.as_view(), name="api-export"),
]
