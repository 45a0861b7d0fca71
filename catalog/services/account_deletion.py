"""What the catalogue forgets of a person whose account is deleted, beyond the rows that go with the account.

Songs that they uploaded stay, and so does a curator's word on labels, from then on unsigned. What was learned from
their plays goes with the next snapshot.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from accounts.services.account_deletion import before_deletion

from ..models import CurationChange, MergedSong, Play, SongLabel
from ..signals import played
from .labels import curator_name

_READ_AT_ONCE = 1000
_TABLES_OF_LISTENERS = (
    "Play",
    "Rating",
    "NotThis",
    "LabelAssignment",
    "LabelDoubt",
    "FavouriteSong",
    "Bookmark",
    "counts",
)


@before_deletion
def _clear_curation(user: User) -> None:
    SongLabel.objects.filter(source=SongLabel.Source.CURATOR, origin=curator_name(user)).update(origin="")
    _clear_in_merged_songs(user)
    _clear_in_curation_log(user)
    transaction.on_commit(partial(played.send, sender=Play, user=None, song=None))


def _clear_in_merged_songs(user: User) -> None:
    """Remove the account from the rows that merged songs keep: whose ratings, plays and annotations they were."""
    for merged in MergedSong.objects.select_for_update().iterator(_READ_AT_ONCE):
        kept: dict[str, Any] = {
            name: [row for row in rows if row["user_id"] != user.pk] if name in _TABLES_OF_LISTENERS else rows
            for name, rows in merged.contents.items()
        }
        if kept["song"]["uploaded_by_id"] == user.pk:
            kept["song"] = {**kept["song"], "uploaded_by_id": None}
        kept["labels"] = [
            {**annotation, "origin": ""} if _signed(annotation, user) else annotation
            for annotation in merged.contents["labels"]
        ]
        if kept != merged.contents:
            merged.contents = kept
            merged.save(update_fields=["contents"])


def _clear_in_curation_log(user: User) -> None:
    """Remove the account's name from the curation log; its actions stay, and can be undone."""
    signed = {"source": SongLabel.Source.CURATOR, "origin": curator_name(user)}
    for change in CurationChange.objects.filter(table="SongLabel").iterator(_READ_AT_ONCE):
        rows = {
            name: row
            for name in ("before", "after")
            if (row := getattr(change, name)) and signed.items() <= row.items()
        }
        for name, row in rows.items():
            setattr(change, name, {**row, "origin": ""})
        if rows:
            change.save(update_fields=list(rows))


def _signed(annotation: dict[str, Any], user: User) -> bool:
    return (annotation["source"], annotation["origin"]) == (SongLabel.Source.CURATOR, curator_name(user))
