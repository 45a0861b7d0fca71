"""The Celery application: `celery -A dcmrs_site worker`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dcmrs_site.settings")

app = Celery("dcmrs")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Its receivers of signals.
from . import worker_signs  # noqa: E402, F401
