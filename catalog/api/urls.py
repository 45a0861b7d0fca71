"""The addresses of the catalogue's part of the API."""

from django.urls import path, register_converter
from rest_framework.routers import SimpleRouter

from ..http import IdConverter
from . import listening, playlists, songs, upload

register_converter(IdConverter, "id")

router = SimpleRouter(use_regex_path=False)
router.register("songs", songs.Songs, basename="api-song")
router.register("labels", songs.Labels, basename="api-label")
router.register("ratings", listening.Ratings, basename="api-rating")
router.register("plays", listening.Plays, basename="api-play")
router.register("play-counts", listening.PlayCounts, basename="api-play-count")
router.register("not-this", listening.NotThese, basename="api-not-this")
router.register("nudges", listening.Nudges, basename="api-nudge")
router.register("playlists", playlists.Playlists, basename="api-playlist")

urlpatterns = [
    *router.urls,
    path("upload/", upload.Upload.as_view(), name="api-upload"),
]
