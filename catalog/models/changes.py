"""What has changed of songs and their labels, for every process that holds an index of them."""

from __future__ import annotations

from django.db import models


class SongChange(models.Model):
    """A note that a song or its labels are not as they were; it is deleted once every process has read it."""

    # No foreign key: a song that is gone is a change too.
    song = models.BigIntegerField(null=True, help_text="The song's primary key; without one, any song.")
    noted_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return f"song {self.song}" if self.song else "all songs"
