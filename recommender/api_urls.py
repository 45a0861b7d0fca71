"""The addresses of the recommender's part of the API."""

from django.urls import path

from . import api, map_api

urlpatterns = [
    path("recommendations/", api.Recommendations.as_view(), name="api-recommendations"),
    path("recommendations/for-labels/", api.SongsForLabels.as_view(), name="api-songs-for-labels"),
    path("songs/<int:pk>/similar/", api.SimilarSongs.as_view(), name="api-similar-songs"),
    path("taste/", api.Taste.as_view(), name="api-taste"),
    path("taste/<int:label>/", api.TasteLabel.as_view(), name="api-taste-label"),
    path("map/", map_api.Map.as_view(), name="api-map"),
    path("compare/", api.Compare.as_view(), name="api-compare"),
    path("compare/why/", api.WhyMissing.as_view(), name="api-why-missing"),
]
