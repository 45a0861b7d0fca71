"""Django's configuration of OpenSubsonic."""

from django.apps import AppConfig


class OpenSubsonicConfig(AppConfig):
    """The server that players connect to; it has no tables of its own."""

    name = "opensubsonic"
