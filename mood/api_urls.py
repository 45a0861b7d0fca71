"""The addresses of the mood's part of the API."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from . import api

router = SimpleRouter(use_regex_path=False)
router.register("mood/readings", api.Readings, basename="api-mood-reading")

urlpatterns = [
    path("mood/", api.MoodQuery.as_view(), name="api-mood"),
    path("mood/picture/", api.Picture.as_view(), name="api-mood-picture"),
    path("mood/preference/", api.Preference.as_view(), name="api-mood-preference"),
    *router.urls,
]
