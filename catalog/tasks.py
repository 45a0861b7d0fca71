"""The library's own work in the background."""

from __future__ import annotations

import logging

from celery import shared_task

from .models import LibraryRoot
from .services import library

logger = logging.getLogger(__name__)


@shared_task
def rescan() -> None:
    """Look for new, changed and missing files in every root that wants it; a root that is being scanned is left out."""
    for root in LibraryRoot.objects.filter(rescan=True).order_by("pk"):
        if library.rescan(root) is None:
            logger.info("%s is being scanned already", root)
