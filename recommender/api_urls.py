"""The addresses of the recommender's part of the API."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from . import api, find_api, map_api

router = SimpleRouter(use_regex_path=False)
router.register("contexts", find_api.Contexts, basename="api-context")

urlpatterns = [
    *router.urls,
    path("find/", find_api.Find.as_view(), name="api-find"),
    path("recommendations/", api.Recommendations.as_view(), name="api-recommendations"),
    path("recommendations/for-labels/", api.SongsForLabels.as_view(), name="api-songs-for-labels"),
    path("songs/<int:pk>/similar/", api.SimilarSongs.as_view(), name="api-similar-songs"),
    path("taste/", api.Taste.as_view(), name="api-taste"),
    path("taste/<int:label>/", api.TasteLabel.as_view(), name="api-taste-label"),
    path("map/", map_api.Map.as_view(), name="api-map"),
    path("compare/", api.Compare.as_view(), name="api-compare"),
    path("compare/why/", api.WhyMissing.as_view(), name="api-why-missing"),
]
