"""App configuration of the site as a whole."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """App configuration."""

    name = "dcmrs_site"

    def ready(self) -> None:
        """Bound the searches of the admin, and let people in where nothing can be written."""
        from .admin_search import bound_searches
        from .sessions import replace_update_last_login

        bound_searches()
        replace_update_last_login()
