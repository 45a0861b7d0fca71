"""The addresses of the recommender's part of the API."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from . import find, map, recommendations

router = SimpleRouter(use_regex_path=False)
router.register("contexts", find.ContextsView, basename="api-context")

urlpatterns = [
    *router.urls,
    path("find/", find.FindView.as_view(), name="api-find"),
    path("recommendations/", recommendations.RecommendationsView.as_view(), name="api-recommendations"),
    path("recommendations/for-labels/", recommendations.SongsForLabelsView.as_view(), name="api-songs-for-labels"),
    path("songs/<int:pk>/similar/", recommendations.SimilarSongsView.as_view(), name="api-similar-songs"),
    path("taste/", recommendations.TasteView.as_view(), name="api-taste"),
    path("taste/<int:label>/", recommendations.TasteLabelView.as_view(), name="api-taste-label"),
    path("map/", map.MapView.as_view(), name="api-map"),
    path("compare/", recommendations.CompareView.as_view(), name="api-compare"),
    path("compare/why/", recommendations.WhyMissingView.as_view(), name="api-why-missing"),
]
