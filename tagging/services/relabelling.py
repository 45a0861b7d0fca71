"""Songs get the labels of another local tagger from their stored embeddings, without being heard again."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from catalog.models import Song
from catalog.services.embeddings import embeddings_of
from catalog.services.labels import store_cnn_labels_of_songs
from tagging.models import TaggingRun
from tagging.taggers import registry

from . import second_pass
from .loading import load, local_among

RELABELLED_AT_ONCE = 500
"""Songs that one transaction relabels from their stored embeddings."""


def relabel_from_embeddings(report: Callable[[int], object] | None = None) -> None:
    """Relabel songs from their stored embeddings: those whose embedding is of the version of the local tagger in use.

    Labels of other local taggers are replaced; those of published taggers and curators stay. Each transaction is one
    batch, so an interrupted call is resumed by the next, and concurrent calls share the songs. If another tagger is
    put to use meanwhile, relabelling starts again with it.

    Parameters
    ----------
    report : callable, optional
        Called with the number of songs of each batch.

    Raises
    ------
    TaggerError
        If the tagger cannot be loaded.
    """
    name, after = registry.in_use(), 0
    while name is not None:
        songs = _relabel_some(name, after)
        if songs and report is not None:
            report(len(songs))
        if (now := registry.in_use()) != name:
            name, after = now, 0
        elif songs:
            after = songs[-1]
        else:
            return


def to_relabel() -> int:
    """Count the songs that `relabel_from_embeddings` would relabel."""
    name = registry.in_use()
    return 0 if name is None else _with_labels_of_relatives(name).count()


def to_retag(tagger: registry.LocalTagger) -> int:
    """Count the DONE songs that would be requeued if a local tagger were put to use: embeddings of another version."""
    known = Song.objects.playable().filter(tagging_state=Song.Tagging.DONE)
    return known.exclude(embedding__model=tagger.embedding).count()


def _with_labels_of_relatives(name: str) -> QuerySet[Song]:
    """Select songs with an embedding of a local tagger's version, but without a run of it."""
    tagger = registry.describe(name)
    version = tagger.embedding if isinstance(tagger, registry.LocalTagger) else None
    predicted = TaggingRun.objects.filter(song=OuterRef("pk"), tagger=name)
    return Song.objects.filter(~Exists(predicted), embedding__model=version)


@transaction.atomic
def _relabel_some(name: str, after: int) -> list[int]:
    """Relabel one batch of songs with primary keys above `after`; return their keys, ascending."""
    due = _with_labels_of_relatives(name).filter(pk__gt=after).order_by("pk")
    # Concurrent workers skip each other's rows instead of waiting.
    songs = due.select_for_update(skip_locked=True).values_list("pk", flat=True)
    if not (song_ids := list(songs[:RELABELLED_AT_ONCE])):
        return []
    from tagging.networks.inference import Prediction, WholeSongTagger

    (tagger,) = load([name])
    if not isinstance(tagger, WholeSongTagger):
        return []
    ids, vectors = embeddings_of(song_ids, str(tagger.embedding))
    heard = zip(ids.tolist(), tagger.label(vectors), strict=True)
    tagging_runs = TaggingRun.objects.filter(song__in=ids.tolist())
    relatives = local_among(tagging_runs.values_list("tagger", flat=True).distinct())
    # An embedding does not tell whether it is of music; what heard the song did.
    without_music = second_pass.labels_without_music(song_ids, relatives)
    predicted = {song_id: Prediction(answer, None, without_music.get(song_id, {})) for song_id, answer in heard}
    kept = second_pass.without_merged({song_id: tagger.kept(one) for song_id, one in predicted.items()}, name)
    tagging_runs.filter(tagger__in=relatives).delete()
    store_cnn_labels_of_songs(kept, name, tagger.kinds, in_place_of=relatives)
    TaggingRun.objects.bulk_create((TaggingRun(song_id=pk, tagger=name) for pk in kept), ignore_conflicts=True)
    return song_ids
