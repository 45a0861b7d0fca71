"""The addresses of the API of accounts."""

from django.urls import path

from . import api

urlpatterns = [
    path("token/", api.LogIn.as_view(), name="api-token"),
    path("export/", api.Export.as_view(), name="api-export"),
]
