"""What the recommender hears of the library: changes are counted, the arrays are built later."""

from __future__ import annotations

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from catalog.models import Label, Song
from catalog.signals import labels_changed, played, songs_added

from . import changes
from .tasks import queue_refresh


@receiver([labels_changed, songs_added])
def count_labels(**_: object) -> None:
    """Labels or songs are new or other than before."""
    if changes.labels_changed():
        queue_refresh()


@receiver(post_delete, sender=Song)
@receiver([post_save, post_delete], sender=Label)
def count_after_commit(**_: object) -> None:
    """A song or label went away, or a label has another name."""
    transaction.on_commit(count_labels)


@receiver(played)
def count_plays(**_: object) -> None:
    """Somebody has played something."""
    changes.plays_changed()
