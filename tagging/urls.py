"""Pages of tagging."""

from django.urls import path

from . import views

urlpatterns = [
    path("admin/tagging/progress/", views.tagging_progress, name="tagging_progress"),
]
