"""Describes the songs of a large library before they are asked for, so that lists of them need not be read first."""

from __future__ import annotations

import threading
import time

from django.db import connection

from . import kept
from .descriptions import MOST_SONGS
from .library import Library
from .songs import SongWriter
from .written import Form

# What fewer songs say is described while a player asks for it.
_LARGE = 10_000
# While files come in, each request may find another library.
_SETTLED_S = 3.0
_AT_ONCE = 250
# As many times as long as it worked: players come first.
_REST = 3.0

_working = threading.Lock()


def describe_ahead(library: Library, form: Form) -> threading.Thread | None:
    """Describe the songs of a library in a thread of its own, while most of them are not described yet in a form."""
    n_songs = len(library.song_ids)
    described = len(library.descriptions(form).songs)
    if not _LARGE <= n_songs <= MOST_SONGS or 2 * described > n_songs or connection.in_atomic_block:
        return None
    if not _working.acquire(blocking=False):
        return None
    thread = threading.Thread(target=_describe, args=(library, form), name="describe-ahead", daemon=True)
    thread.start()
    return thread


def _describe(library: Library, form: Form) -> None:
    try:
        time.sleep(_SETTLED_S)
        pks = library.song_ids.tolist()
        for at in range(0, len(pks), _AT_ONCE):
            if not kept.holds(library):
                return
            begun = time.thread_time()
            # Asked for before the database is: what becomes of a song meanwhile makes others.
            known = library.descriptions(form)
            if missing := [pk for pk in pks[at : at + _AT_ONCE] if pk not in known.songs]:
                known.songs.update(SongWriter(library, form, known).write(missing))
                time.sleep(_REST * (time.thread_time() - begun))
        kept.spare_collector()
    finally:
        _working.release()
        connection.close()
