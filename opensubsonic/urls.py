"""The addresses of the protocol, and of the page Players."""

from django.urls import path

from . import pages, views

urlpatterns = [
    path("rest/<path:name>", views.rest, name="opensubsonic"),
    path("accounts/players/", pages.players, name="players"),
]
