"""The settings, with a clock that a test can wait for."""

from datetime import timedelta

from dcmrs_site.settings import *  # noqa: F403
from dcmrs_site.settings import CELERY_BEAT_SCHEDULE, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.services.impatience.Impatience"]
CELERY_BEAT_SCHEDULE = {
    name: {**entry, "schedule": timedelta(seconds=1)}
    for name, entry in CELERY_BEAT_SCHEDULE.items()
    if entry["task"] == "tagging.tasks.sweep"
}
