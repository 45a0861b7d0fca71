"""The way from one song to another by sound."""

from __future__ import annotations

from itertools import pairwise

from catalog.models import Song

from ..snapshots import current

MOST_SONGS = 200
"""Songs of a path."""


def sound_path(start: Song, end: Song, most: int) -> list[tuple[int, float]]:
    """The path whose longest step by sound is the shortest, without an artist twice in a row.

    Parameters
    ----------
    start, end : Song
    most : int
        Most songs on it, both ends included.

    Returns
    -------
    list of (primary key, float)
        Each song with how alike it is to the one before it, 0 to 1; 1 for the first. Empty where there is no path.
    """
    bundle = current.bundle()
    if bundle is None or bundle.paths is None or most < 2:
        return []
    at = bundle.index.songs([start.pk]), bundle.index.songs([end.pk])
    if not len(at[0]) or not len(at[1]):
        return []
    between = bundle.index.playable & bundle.has_music
    found = bundle.paths.path(int(at[0][0]), int(at[1][0]), min(most, MOST_SONGS), between)
    if found is None:
        return []
    steps = [bundle.paths.step(one, other) for one, other in pairwise(found)]
    alike = [1.0, *(min(max(1 - (step or 0.0), 0.0), 1.0) for step in steps)]
    return [(int(bundle.index.song_ids[place]), similarity) for place, similarity in zip(found, alike, strict=True)]
