"""Pages of tagging."""

from django.urls import path

from . import dashboard, views

urlpatterns = [
    path("tagging/status/", views.tagging_status, name="tagging_status"),
    path("admin/tagging/progress/", views.tagging_progress, name="tagging_progress"),
    path("admin/desk/library/gone/", dashboard.confirm_gone, name="dashboard_gone"),
    path("admin/desk/library/", dashboard.library_panel, name="dashboard_library"),
    path("admin/desk/try-again/", dashboard.retry_failed, name="dashboard_retry"),
]
