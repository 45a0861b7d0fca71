"""Every address: each app brings its pages (`urls.py`) and its API (`api_urls.py`)."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from . import api, desk
from .health import health
from .theme import theme

api_patterns: list[URLPattern | URLResolver] = [
    path("", api.Root.as_view(), name="api-root"),
    path("", include("catalog.api_urls")),
    path("", include("recommender.api_urls")),
    path("", include("mood.api_urls")),
    path("token/", api.LogIn.as_view(), name="api-token"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", api.Docs.as_view(), name="api-docs"),
    re_path(r"[\s\S]*/$", api.Nowhere.as_view()),
]

urlpatterns = [
    path("", include("recommender.urls")),
    path("", include("catalog.urls")),
    path("", include("tagging.urls")),
    path("", include("mood.urls")),
    path("admin/desk/disk/", desk.desk_disk, name="desk_disk"),
    path("admin/desk/queue/", desk.desk_queue, name="desk_queue"),
    path("admin/curation/", RedirectView.as_view(pattern_name="admin:catalog_curationitem_changelist")),
    path("admin/", admin.site.urls),
    path("api/", include(api_patterns)),
    path("health/", health, name="health"),
    path("theme/", theme, name="theme"),
]

handler400 = "dcmrs_site.errors.bad_request"
handler500 = "dcmrs_site.errors.server_error"
