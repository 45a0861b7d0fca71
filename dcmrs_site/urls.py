"""Every URL: each app brings its pages (`urls.py`) and its API (`api_urls.py`, or `api/urls.py` where it has grown)."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from . import api, dashboard
from .app_manifest import app_manifest
from .health import health
from .metrics import metrics
from .offline import offline, offline_shell, service_worker
from .theme import theme

api_patterns: list[URLPattern | URLResolver] = [
    path("", api.Root.as_view(), name="api-root"),
    path("", include("accounts.api_urls")),
    path("", include("catalog.api.urls")),
    path("", include("recommender.api.urls")),
    path("", include("mood.api_urls")),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", api.Docs.as_view(), name="api-docs"),
    re_path(r"[\s\S]*/$", api.Nowhere.as_view()),
]

urlpatterns = [
    path("", include("recommender.urls")),
    path("", include("accounts.urls")),
    path("", include("catalog.urls")),
    path("", include("tagging.urls")),
    path("", include("mood.urls")),
    path("", include("opensubsonic.urls")),
    path("admin/desk/disk/", dashboard.dashboard_disk, name="dashboard_disk"),
    path("admin/desk/queue/", dashboard.dashboard_queue, name="dashboard_queue"),
    path("admin/curation/", RedirectView.as_view(pattern_name="admin:catalog_curationitem_changelist")),
    # What these lists were called up to version 1.0.
    path("admin/catalog/joinedsong/", RedirectView.as_view(pattern_name="admin:catalog_mergedsong_changelist")),
    path("admin/tagging/lesson/", RedirectView.as_view(pattern_name="admin:tagging_trainingjob_changelist")),
    path("admin/", admin.site.urls),
    path("api/", include(api_patterns)),
    path("health/", health, name="health"),
    path("metrics", metrics, name="metrics"),
    path("theme/", theme, name="theme"),
    path("app.webmanifest", app_manifest, name="app_manifest"),
    path("offline/", offline, name="offline"),
    path("offline/shell/", offline_shell, name="offline_shell"),
    path("service-worker.js", service_worker, name="service_worker"),
]

handler400 = "dcmrs_site.errors.bad_request"
handler500 = "dcmrs_site.errors.server_error"
