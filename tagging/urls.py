"""Pages of tagging."""

from django.urls import path

from . import views

urlpatterns = [
    path("tagging/status/", views.tagging_status, name="tagging_status"),
    path("admin/tagging/progress/", views.tagging_progress, name="tagging_progress"),
]
