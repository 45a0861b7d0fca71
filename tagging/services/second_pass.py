"""Labelling songs again, by the recommended networks: better labels come over night, and nobody waits for them.

A new song has the labels of the local tagger at once (`services`). Where networks of the vocabulary are installed, the
worker gives it their merged labels when nothing more urgent waits. They take the place of what the bundled tagger and
single networks said before; of the bundled tagger stay only labels that none of the networks can predict. A tagger that
an owner has trained goes on to speak beside them, and curators' words stay always.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_
from typing import TYPE_CHECKING

from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from catalog.audio_frames import UnavailableAudio, UnreadableAudio
from catalog.models import Label, LabelAlias, PublishedEmbedding, Song, SongLabel, SongQuerySet
from catalog.names import label_key
from catalog.services import absences
from catalog.services.embeddings import store_embedding
from catalog.services.labels import announce_labels_changed, merge_labels, rename_label, store_cnn_labels
from tagging.frontend import sound
from tagging.labels import merged
from tagging.labels.vocabulary import vocabulary
from tagging.models import TaggingRun
from tagging.taggers import registry

if TYPE_CHECKING:
    from tagging.labels.merged import MergedPrediction, MergedTagger

# Longer than any song takes: of a worker that was killed, others take the song over then.
_CLAIMED_S = 300
_CANDIDATES = 50
# The sets of tags that a library's labels may be from that were given before there was a vocabulary.
_EARLIER_SETS = ("msd", "moods")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the second pass is.

    Attributes
    ----------
    done, left : int
        Songs that the networks have labelled, and that wait for it.
    """

    done: int
    left: int


def networks() -> list[str]:
    """The networks that label songs again; none where there is no local tagger to label them first."""
    return [] if registry.in_use() is None else merged.networks()


def progress() -> Progress:
    """How far the second pass is; nothing where no network is installed for it."""
    if not networks():
        return Progress(0, 0)
    left = waiting().count()
    return Progress(_labelled_once().count() - left, left)


def waiting() -> SongQuerySet:
    """Songs that have their first labels, and that one of the networks has not labelled yet.

    Songs whose embedding is of an earlier version wait too.
    """
    if not (names := networks()):
        return Song.objects.none()
    runs = TaggingRun.objects.filter(song=OuterRef("pk"))
    missing = (Q(~Exists(runs.filter(tagger=name))) for name in names)
    outdated = _outdated(merged.version_of_embeddings()).filter(song=OuterRef("pk"))
    return _labelled_once().filter(reduce(or_, missing, Q(Exists(outdated))))


def _outdated(version: str) -> QuerySet[PublishedEmbedding]:
    """Embeddings of another version than this one; none where the networks that are here make none."""
    embeddings = PublishedEmbedding.objects.all()
    return embeddings.exclude(model=version) if version else embeddings.none()


def work_here() -> bool:
    """Whether a song waits whose file can be seen here."""
    return absences.here.any_here(waiting())


def label_waiting(
    seconds: float | None = None, n_threads: int = 1, report: Callable[[Song], object] | None = None
) -> None:
    """Give waiting songs their merged labels, until none waits, or the time is over.

    Parameters
    ----------
    seconds : float, optional
        After so many, no further song is begun.
    n_threads : int
        How many songs at once; one leaves the other cores to what is more urgent.
    report : callable, optional
        Told of each song when it is finished.

    Raises
    ------
    TaggerError
        If a network cannot be loaded.
    """
    from tagging.networks.inference import inference_threads

    if not (names := networks()):
        return
    tagger = _loaded(tuple((name, _version(name)) for name in names))
    end = float("inf") if seconds is None else time.monotonic() + seconds
    candidates: deque[int] = deque()
    seen: set[int] = set()
    running: dict[Future[MergedPrediction], Song] = {}
    with inference_threads() as threads:
        try:
            while True:
                while len(running) < n_threads and time.monotonic() < end and (song := _claim(candidates, seen)):
                    running[threads.submit(tagger.predict_file, song.audio_file)] = song
                if not running:
                    return
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    song = running.pop(future)
                    _finish(song, future, tagger)
                    if report is not None:
                        report(song)
        finally:
            for future, song in running.items():
                future.cancel()
                cache.delete(_claim_key(song.pk))


def forget(song: Song) -> None:
    """Have a song labelled again by the networks too: it has new first labels."""
    TaggingRun.objects.filter(song=song, tagger__in=vocabulary().networks).delete()


def without_merged(kept: Mapping[int, Mapping[str, float]], tagger: str) -> dict[int, dict[str, float]]:
    """Labels of a local tagger without those that the merged ones of the same songs speak for.

    Parameters
    ----------
    kept : mapping of a song's primary key to a mapping of label name to probability
    tagger : str
        Only the bundled tagger gives way: one that an owner has trained knows what the networks do not.
    """
    if not _gives_way(tagger):
        return {song: dict(labels) for song, labels in kept.items()}
    runs = TaggingRun.objects.filter(song__in=kept, tagger__in=vocabulary().networks).values_list("song", "tagger")
    by_song: dict[int, set[str]] = {}
    for song, network in runs:
        by_song.setdefault(song, set()).add(network)
    silent = labels_without_music(kept, [merged.NAME])
    return {
        song: {
            name: weight
            for name, weight in labels.items()
            if song not in silent and label_key(name) not in _covered(by_song.get(song, ()))
        }
        for song, labels in kept.items()
    }


def labels_without_music(song_ids: Iterable[int], taggers: Collection[str]) -> dict[int, dict[str, float]]:
    """What taggers labelled songs with that are no music to them, by primary key; in one query."""
    keys = [label_key(name) for name in sound.KINDS]
    named = Q(label__key__in=keys) | Q(label__aliases__key__in=keys)
    said = SongLabel.objects.filter(named, song__in=song_ids, source=SongLabel.Source.CNN, origin__in=taggers)
    found: dict[int, dict[str, float]] = {}
    for song, name, weight in said.values_list("song", "label__name", "weight").distinct():
        found.setdefault(song, {})[name] = weight
    return found


def rename_earlier_labels() -> int:
    """Follow labels of earlier taggers to what the vocabulary calls them: curators' words, nudges, contexts go along.

    Labels that only imports gave stay what people called them.

    Returns
    -------
    int
        How many labels were renamed or merged.
    """
    earlier = _earlier_names()
    predicted = SongLabel.objects.filter(label=OuterRef("pk"), source=SongLabel.Source.CNN)
    found = list(Label.objects.filter(Exists(predicted), key__in=earlier))
    for label in found:
        name, kind = earlier[label.key]
        with transaction.atomic():
            if (into := Label.objects.filter(key=label_key(name)).first()) is not None:
                merge_labels([label], into)
            else:
                rename_label(label, name)
                Label.objects.filter(pk=label.pk, kind=Label.Kind.OTHER).update(kind=kind)
    return len(found)


def add_aliases() -> None:
    """Have other spellings of predicted labels lead to them, where nothing else is called so.

    Words of Find, tables of emotions and imports name labels as people do, or as earlier taggers did.
    """
    entries = {label_key(entry.name): entry.aliases for entry in vocabulary().entries if entry.aliases}
    predicted = SongLabel.objects.filter(label=OuterRef("pk"), source=SongLabel.Source.CNN)
    labels = Label.objects.filter(Exists(predicted), key__in=entries)
    wanted = {label_key(name): (name, label) for label in labels for name in entries[label.key]}
    taken = {*Label.objects.filter(key__in=wanted).values_list("key", flat=True)}
    taken |= {*LabelAlias.objects.filter(key__in=wanted).values_list("key", flat=True)}
    LabelAlias.objects.bulk_create(
        (LabelAlias(label=label, name=name, key=key) for key, (name, label) in wanted.items() if key not in taken),
        ignore_conflicts=True,
    )


def _labelled_once() -> SongQuerySet:
    return Song.objects.playable().filter(tagging_state=Song.Tagging.DONE)


def _gives_way(tagger: str) -> bool:
    """Whether a tagger is the bundled one."""
    about = registry.local_family().get(tagger)
    return about is not None and about.file == registry.BUNDLED


def _covered(names: Iterable[str]) -> frozenset[str]:
    """The keys of every spelling of the labels that some networks predict."""
    return _covered_by(frozenset(names))


@lru_cache(maxsize=64)
def _covered_by(names: frozenset[str]) -> frozenset[str]:
    words = vocabulary()
    places = {place for name in names for place in words.columns(registry.published()[name])}
    covered = {key for key, place in words.places().items() if place in places}
    # Each of them tells whether it is music.
    return frozenset(covered | ({label_key(name) for name in sound.KINDS} if names else set()))


@lru_cache(maxsize=1)
def _earlier_names() -> Mapping[str, tuple[str, str]]:
    """What labels of earlier taggers are called now, and their kind, by the key of what they were called."""
    return {
        label_key(tag): (entry.name, entry.kind)
        for entry in vocabulary().entries
        for of_set in _EARLIER_SETS
        for tag in entry.outputs.get(of_set, ())
        if label_key(tag) != label_key(entry.name)
    }


def _claim_key(song_id: int) -> str:
    return f"tagging-second-pass-{song_id}"


def _claim(candidates: deque[int], seen: set[int]) -> Song | None:
    """A waiting song that no other worker is at; None where there is none."""
    while True:
        if not candidates:
            latest = absences.here.among(waiting()).order_by("-pk").values_list("pk", flat=True)
            some = [pk for pk in latest[: _CANDIDATES + len(seen)] if pk not in seen]
            if not some:
                return None
            # Several workers begin at different songs.
            random.shuffle(some)
            candidates.extend(some)
        pk = candidates.popleft()
        seen.add(pk)
        if cache.add(_claim_key(pk), True, _CLAIMED_S):
            song = waiting().select_related("root").filter(pk=pk).first()
            if song is not None and absences.here.is_here(song):
                return song
            cache.delete(_claim_key(pk))


def _finish(song: Song, predicted: Future[MergedPrediction], tagger: MergedTagger) -> None:
    """Store what the networks predict; a file that can no longer be read keeps its first labels."""
    try:
        prediction = predicted.result()
    except UnavailableAudio:
        # The disk may be away: it waits until it is back.
        absences.here.is_here(song)
        cache.delete(_claim_key(song.pk))
        return
    except UnreadableAudio:
        prediction = None
    with transaction.atomic():
        # A song that waits for its first labels again has meanwhile become another.
        if waiting().filter(pk=song.pk).exists():
            if prediction is not None:
                store(song, tagger, prediction)
            else:
                # One of an earlier version would have it wait for ever.
                _outdated(tagger.embedded_by).filter(song=song).delete()
            runs = [TaggingRun(song=song, tagger=one.name) for one in tagger.taggers]
            TaggingRun.objects.bulk_create(runs, ignore_conflicts=True)
    cache.delete(_claim_key(song.pk))


@transaction.atomic
def store(song: Song, tagger: MergedTagger, prediction: MergedPrediction) -> None:
    """Put merged labels in the place of what single networks and the bundled tagger said; store the embedding."""
    store_cnn_labels(song, merged.NAME, tagger.kept(prediction), tagger.kinds, in_place_of=list(registry.published()))
    if prediction.embedding is not None:
        store_embedding(song, tagger.embedded_by, prediction.embedding, PublishedEmbedding)
    bundled = [name for name in registry.local_family() if _gives_way(name)]
    said = SongLabel.objects.filter(song=song, source=SongLabel.Source.CNN, origin__in=bundled)
    covered = _covered(one.name for one in tagger.taggers)
    # Of what is no music the bundled tagger has nothing to say either.
    gone = [pk for pk, key in said.values_list("pk", "label__key") if prediction.without_music or key in covered]
    if gone:
        SongLabel.objects.filter(pk__in=gone).delete()
        announce_labels_changed([song.pk])


@lru_cache(maxsize=1)
def _loaded(versions: tuple[tuple[str, object], ...]) -> MergedTagger:
    return merged.MergedTagger([registry.load(name) for name, _ in versions])


def _version(name: str) -> object:
    """Another one where the weights are others than before."""
    weights = registry.describe(name).weights
    status = weights.stat() if weights else None
    return status and (weights, status.st_mtime_ns, status.st_size)
