"""Songs, the names they are known by, and the folders their files lie in."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.functional import cached_property

from ..names import artist_key, title_key


# A page names hundreds of songs, and looking up the pattern of an address takes as long as rendering a line.
@lru_cache(maxsize=8)
def _songs_address(script_prefix: str) -> str:  # noqa: ARG001 (`reverse` begins with it)
    """What the addresses of songs begin with."""
    return reverse("song", args=[0]).removesuffix("0/")


class LibraryRoot(models.Model):
    """A named folder of audio files. Hosts that mount it elsewhere say so in `LIBRARY_ROOTS`."""

    name = models.CharField(max_length=100, unique=True)
    path = models.CharField(max_length=1000, help_text="Where the host that imported it has the folder.")
    rescan = models.BooleanField(default=True, help_text="Look here for new, changed and missing files.")
    scanned_at = models.DateTimeField(null=True, editable=False, help_text="When all of it was last looked through.")
    scan_result = models.CharField(max_length=500, blank=True, editable=False, help_text="What the last look found.")
    vanished_songs = models.PositiveIntegerField(
        default=0, editable=False, help_text="Songs whose files were gone at once at the last look."
    )
    scanning_until = models.DateTimeField(
        null=True, editable=False, help_text="A scan is at work, and says so again before this moment."
    )

    def __str__(self) -> str:
        return self.name

    @property
    def folder(self) -> Path:
        """The folder on this host."""
        return Path(settings.LIBRARY_ROOTS.get(self.name, self.path))


class SongQuerySet(models.QuerySet["Song"]):
    """Songs, with the questions that every app asks of them."""

    def with_file(self) -> Self:
        """Songs that have an audio file, which may be missing at the moment.

        A query for paths needs this condition to use the partial index `one_song_a_file`; without it, SQLite reads
        all songs of the root.
        """
        return self.exclude(path="")

    def playable(self) -> Self:
        """Songs whose audio file is there."""
        return self.with_file().filter(missing_since=None)

    def requeue_tagging(self) -> int:
        """Let every tagger tag the songs anew, those without a file excepted; returns how many they are."""
        return self.with_file().update(**pending_tagging())


def pending_tagging() -> dict[str, Any]:
    """The columns of a song that waits for a tagger, whose earlier attempts do not count."""
    return {
        "tagging_state": Song.Tagging.PENDING,
        "tagging_error": "",
        "tagging_attempts": 0,
        "tagging_changed_at": timezone.now(),
    }


class Song(models.Model):
    """A song: with an audio file that can be played here, or known only from plays and labels."""

    class Tagging(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    title = models.CharField(max_length=300)
    artist = models.CharField(max_length=300, blank=True)
    artists = models.JSONField(
        default=list, editable=False, help_text="The names of the artists one by one, where they are several."
    )
    album = models.CharField(max_length=300, blank=True)
    album_artist = models.CharField(max_length=300, blank=True)
    track_number = models.PositiveIntegerField(null=True, blank=True)
    disc_number = models.PositiveIntegerField(null=True, blank=True)
    year = models.PositiveIntegerField(null=True, blank=True)
    duration_s = models.FloatField(null=True, blank=True, help_text="Seconds.")
    cover = models.ImageField(upload_to="covers/", blank=True)
    title_key = models.CharField(max_length=300, editable=False)
    artist_key = models.CharField(max_length=200, editable=False, blank=True)

    root = models.ForeignKey(LibraryRoot, null=True, blank=True, on_delete=models.PROTECT, related_name="songs")
    path = models.CharField(max_length=1000, blank=True, help_text="Relative to the root; empty without audio.")
    size = models.PositiveBigIntegerField(null=True, blank=True, editable=False, help_text="Bytes.")
    mtime_ns = models.BigIntegerField(null=True, blank=True, editable=False)
    content_hash = models.CharField(max_length=64, blank=True, editable=False)
    codec = models.CharField(max_length=30, blank=True, editable=False)
    missing_since = models.DateTimeField(null=True, blank=True, help_text="When the file was found gone.")
    file_state = models.CharField(max_length=80, blank=True, editable=False, help_text="See `FoundFile.state`.")
    from_file = models.JSONField(
        null=True,
        editable=False,
        help_text="What the file said of title, artist and so on when it was last read.",
    )
    compilation = models.BooleanField(default=False, help_text="The file says that its album is by various artists.")
    # True without an album artist too: where one artist is on all songs of a folder's album, alone or with others.
    gathered = models.BooleanField(
        default=False, editable=False, help_text="It has its album artist because its album is by various artists."
    )

    tagging_state = models.CharField(max_length=10, choices=Tagging, default=Tagging.PENDING)
    tagging_error = models.CharField(max_length=500, blank=True)
    tagging_attempts = models.PositiveSmallIntegerField(default=0)
    tagging_changed_at = models.DateTimeField(null=True, blank=True, editable=False)

    added_at = models.DateTimeField(auto_now_add=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="uploaded_songs"
    )

    objects = SongQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["root", "path"], condition=~models.Q(path=""), name="one_song_a_file"),
        ]
        indexes = [
            models.Index(fields=["artist_key", "title_key"]),
            models.Index(fields=["title_key"]),
            models.Index(fields=["added_at"]),
            models.Index(fields=["tagging_state", "tagging_changed_at"]),
            models.Index(fields=["content_hash"]),
        ]

    def __str__(self) -> str:
        return f"{self.title} - {self.artist}" if self.artist else self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the matching keys as the names have them."""
        self.set_keys()
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "title_key", "artist_key"}
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        """Return the URL of the song's page."""
        return self._address

    # A card names it four times.
    @cached_property
    def _address(self) -> str:
        return f"{_songs_address(get_script_prefix())}{self.pk}/"

    def set_keys(self) -> None:
        """Bring the matching keys up to date; for `bulk_create` and `bulk_update`, which do not call `save`."""
        self.title_key = title_key(self.title)
        self.artist_key = artist_key(self.artist)

    @property
    def artist_names(self) -> list[str]:
        """The artists one by one; none where nobody is known."""
        return self.artists or [self.artist] * bool(self.artist)

    @property
    def playable(self) -> bool:
        """Whether there is a file to play."""
        return bool(self.path) and self.missing_since is None

    @property
    def audio_file(self) -> Path:
        """The audio file on this host.

        Raises
        ------
        ValueError
            If the song has no audio file.
        """
        if not self.path or self.root is None:
            raise ValueError(f"{self} has no audio file")
        return self.root.folder / self.path

    @property
    def external_id(self) -> str | None:
        """The first name the song is known by elsewhere, if any."""
        identifiers = sorted(self.identifiers.all(), key=lambda identifier: identifier.pk)
        return identifiers[0].value if identifiers else None


class SongIdentifier(models.Model):
    """One name that a song is known by elsewhere: `lastfm:artist:51`, `mbid:...`, `isrc:...`."""

    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="identifiers")
    value = models.CharField(max_length=200, unique=True)

    def __str__(self) -> str:
        return self.value


class RefusedFile(models.Model):
    """A file whose reading takes more time or memory than any honest one; a rescan does not try it again."""

    root = models.ForeignKey(LibraryRoot, on_delete=models.CASCADE, related_name="refused_files")
    path = models.CharField(max_length=1000, help_text="Relative to the root.")
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    mtime_ns = models.BigIntegerField()
    reason = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["root", "path"], name="one_refusal_a_file")]

    def __str__(self) -> str:
        return f"{self.root}: {self.path}"


class DuplicateFile(models.Model):
    """Another file with the recording of a song, remembered so that a rescan need not read it again."""

    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="duplicates")
    root = models.ForeignKey(LibraryRoot, on_delete=models.CASCADE, related_name="duplicates")
    path = models.CharField(max_length=1000, help_text="Relative to the root.")
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    mtime_ns = models.BigIntegerField()
    file_state = models.CharField(max_length=80, blank=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["root", "path"], name="one_duplicate_a_file")]

    def __str__(self) -> str:
        return f"{self.root}: {self.path}"
