"""What tagging hears of the library."""

from __future__ import annotations

from django.dispatch import receiver

from catalog.signals import songs_added

from . import registry
from .tasks import call_worker


@receiver(songs_added)
def hear_soon(**_: object) -> None:
    """There are songs that nobody has heard: not in a minute, but now."""
    if registry.installed():
        call_worker()
