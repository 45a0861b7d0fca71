"""Every address: each app brings its pages (`urls.py`) and its API (`api_urls.py`)."""

from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),
]
