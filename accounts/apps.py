"""Django's configuration of accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Sign-up, log-in, allowances, export and deletion of accounts."""

    name = "accounts"

    def ready(self) -> None:
        """Import the module that registers the receivers of the log-in throttle."""
        from . import login_throttle  # noqa: F401 (its receivers register themselves)
