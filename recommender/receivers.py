"""Signal receivers that count changes of the library; builds happen later."""

from __future__ import annotations

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from catalog.models import Label, Song
from catalog.signals import labels_changed, played, tagging_needed

from .snapshots import changes
from .tasks import queue_refresh


@receiver([labels_changed, tagging_needed])
def count_labels(**_: object) -> None:
    """Count changed labels and added songs, and queue a content refresh."""
    if changes.labels_changed():
        queue_refresh()


@receiver(post_delete, sender=Song)
@receiver([post_save, post_delete], sender=Label)
def count_after_commit(raw: bool = False, **_: object) -> None:
    """Count deleted songs and deleted or renamed labels, after the transaction commits; not what `loaddata` loads."""
    if not raw:
        transaction.on_commit(count_labels)


@receiver(played)
def count_plays(**_: object) -> None:
    """Count a play."""
    changes.plays_changed()
