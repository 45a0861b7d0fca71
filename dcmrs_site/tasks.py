"""The site's own work in the background."""

from __future__ import annotations

import logging
from pathlib import Path

from celery import shared_task
from django.conf import settings

from .backup import making

logger = logging.getLogger(__name__)


@shared_task(ignore_result=True)
def back_up() -> None:
    """Write the backup of this night, where a folder is set for them."""
    if not settings.BACKUP_FOLDER:
        return
    try:
        path = making.make_nightly(Path(settings.BACKUP_FOLDER).expanduser(), max(settings.BACKUPS_KEPT, 1))
    except OSError as error:
        logger.error("Tonight's backup could not be written: %s", error)  # noqa: TRY400 (the reason says it all)
    else:
        logger.info("Backup: %s", path)
