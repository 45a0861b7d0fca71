"""The site: settings, addresses, processes."""

import gc

# Starting makes some hundred thousand objects that stay: by its own thresholds, the collector would look through them
# again and again, an eighth of the time that a start takes.
gc.set_threshold(50_000, 20, 50)

from .celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
