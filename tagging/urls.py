"""Pages of tagging."""

from django.urls import path

from . import desk, views

urlpatterns = [
    path("tagging/status/", views.tagging_status, name="tagging_status"),
    path("admin/tagging/progress/", views.tagging_progress, name="tagging_progress"),
    path("admin/desk/library/", desk.desk_library, name="desk_library"),
    path("admin/desk/try-again/", desk.desk_try_again, name="desk_try_again"),
]
