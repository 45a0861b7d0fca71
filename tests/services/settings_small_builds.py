"""The settings, with snapshots that a test can break off."""

from datetime import timedelta

from dcmrs_site.settings import *  # noqa: F403
from dcmrs_site.settings import CELERY_BEAT_SCHEDULE, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.services.small_builds.SmallBuilds"]
CELERY_BEAT_SCHEDULE = {
    name: {**entry, "schedule": timedelta(seconds=1)}
    for name, entry in CELERY_BEAT_SCHEDULE.items()
    if entry["task"] == "recommender.tasks.fit_parts"
}
