"""Receivers of the library's signals."""

from __future__ import annotations

from django.dispatch import receiver

from catalog.signals import tagging_needed

from .taggers import registry
from .tasks import call_worker


@receiver(tagging_needed)
def tag_soon(**_: object) -> None:
    """Call the worker for added songs now, instead of at the next periodic sweep."""
    if registry.installed():
        call_worker()
