"""The library's own work in the background."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from celery import current_app, shared_task
from django.core.cache import cache
from kombu.exceptions import OperationalError

from .models import LibraryRoot, Song
from .services import cover_lookups, library, media_cleanup, song_index, sound_details, sound_pictures

logger = logging.getLogger(__name__)

# Drawing takes a second: a request that waits longer is sent again by the page that still shows the song.
_DRAWN_WITHIN_S = 60
_ASKED_AGAIN_S = 600
# Without a worker a page's own process draws, one song at a time.
_here = ThreadPoolExecutor(1, thread_name_prefix="drawing")


@shared_task
def rescan() -> None:
    """Look for new, changed and missing files in every root that wants it; a root that is being scanned is left out."""
    song_index.delete_old_changes()
    for root in LibraryRoot.objects.filter(rescan=True).order_by("pk"):
        if library.rescan(root) is None:
            logger.info("%s is being scanned already", root)
    # What a scan of an older version, or one that was killed, has left out.
    sound_details.read_sound_details()


@shared_task(ignore_result=True)
def rescan_confirmed(root_id: int) -> None:
    """Look through a root of which most songs have vanished, and take it at its word."""
    root = LibraryRoot.objects.filter(pk=root_id).first()
    if root is not None and library.rescan(root, confirmed=True) is None:
        logger.info("%s is being scanned already", root)


@shared_task(ignore_result=True)
def clean_up_media() -> None:
    """Delete pictures and covers that no song has any more."""
    logger.info("%d pictures of songs that are gone are deleted", media_cleanup.sweep())


@shared_task(ignore_result=True)
def look_up_covers() -> None:
    """Look up the covers that admins have asked for, in this worker alone."""
    logger.info("%d albums were looked up", cover_lookups.look_up_waiting())


def look_up_covers_soon() -> None:
    """Have a worker look up what waits; without one it waits on, and no page ever does it itself."""
    if current_app.conf.task_always_eager:
        return
    with suppress(OperationalError):
        look_up_covers.apply_async(expires=_ASKED_AGAIN_S)


@shared_task(ignore_result=True)
def draw_sound(song_id: int) -> None:
    """Make a song's waveform and spectrogram; a song that has gone since needs none."""
    song = Song.objects.select_related("root").filter(pk=song_id).first()
    if song is not None:
        _draw(song)


def about_to_draw(song: Song) -> bool:
    """Whether a song's pictures were requested lately."""
    return cache.get(_drawing(song)) is not None


def draw_soon(song: Song) -> None:
    """Have a song's waveform and spectrogram made, by a worker, or without one in a thread of this process.

    Parameters
    ----------
    song : Song
        With its root.
    """
    if not cache.add(_drawing(song), 1, _DRAWN_WITHIN_S):
        return
    if current_app.conf.task_always_eager:
        _draw(song)
        return
    try:
        draw_sound.apply_async((song.pk,), expires=_DRAWN_WITHIN_S)
    except OperationalError as error:
        logger.info("No broker: %s", error)
        _here.submit(_draw, song)


def _drawing(song: Song) -> str:
    return f"drawing:{sound_pictures.version_of(song)}"


def _draw(song: Song) -> None:
    with suppress(FileNotFoundError):
        sound_pictures.make(song)
