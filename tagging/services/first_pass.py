"""Tag the library: claim PENDING songs, predict their labels, store the predictions.

The database holds each song's state; the queue only wakes workers. An UPDATE that succeeds once claims a song
(RUNNING), a heartbeat every few seconds keeps the claim, and `requeue_stale` returns songs with a stale heartbeat to
PENDING, so a killed worker leaves no song RUNNING.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from catalog.audio_frames import UnavailableAudio, UnreadableAudio
from catalog.models import Song, SongEmbedding, SongQuerySet
from catalog.services import absences
from catalog.services.embeddings import store_embedding
from catalog.services.labels import store_cnn_labels
from tagging.models import TaggingRun
from tagging.taggers import registry

from . import second_pass
from .loading import first_pass, load, local_among
from .relabelling import relabel_from_embeddings

if TYPE_CHECKING:
    from tagging.networks.inference import Prediction, Tagger

State = Song.Tagging

MOST_ATTEMPTS = 3
HEARTBEAT_S = 10.0
STALE_AFTER = timedelta(seconds=45)

_CANDIDATES = 50
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of tagging one song.

    Attributes
    ----------
    song : Song
    error : str
        Why the song FAILED; empty where it is DONE.
    """

    song: Song
    error: str = ""


def sweep(names: Sequence[str] | None = None) -> int:
    """Requeue stale RUNNING songs, and DONE songs without a run of one of the taggers.

    Songs with an embedding of the version of the local tagger in use are relabelled from it instead.

    Parameters
    ----------
    names : sequence of str, optional
        Names of taggers; those of `first_pass` where it is None.

    Returns
    -------
    int
        How many songs are PENDING now; 0 where no tagger is installed.
    """
    if not (taggers := first_pass() if names is None else names):
        return 0
    requeue_stale()
    second_pass.rename_earlier_labels()
    second_pass.add_aliases()
    relabel_from_embeddings()
    for name in taggers:
        Song.objects.playable().filter(_not_tagged_by(name), tagging_state=State.DONE).requeue_tagging()
    return _pending().count()


def work_here() -> bool:
    """Whether a song is PENDING whose file can be seen here; others wait for the disk, or for another worker."""
    return absences.here.any_here(_pending())


def _pending() -> SongQuerySet:
    """PENDING songs, but for those whose file a scan has found gone: they wait until one finds it again."""
    return Song.objects.playable().filter(tagging_state=State.PENDING)


def _not_tagged_by(name: str) -> Q:
    """Match songs without a run of a tagger, or with an embedding of another version of it."""
    never = Q(~Exists(TaggingRun.objects.filter(song=OuterRef("pk"), tagger=name)))
    if isinstance(tagger := registry.known().get(name), registry.LocalTagger):
        return never | Q(~Exists(SongEmbedding.objects.filter(song=OuterRef("pk"), model=tagger.embedding)))
    return never


def requeue_stale() -> None:
    """Requeue RUNNING songs with a stale heartbeat; FAILED after MOST_ATTEMPTS."""
    now = timezone.now()
    stale = Song.objects.filter(tagging_state=State.RUNNING, tagging_changed_at__lt=now - STALE_AFTER)
    stale.filter(tagging_attempts__gte=MOST_ATTEMPTS).update(
        tagging_state=State.FAILED,
        tagging_error=f"the worker stopped before it was finished, {MOST_ATTEMPTS} times",
        tagging_changed_at=now,
    )
    stale.update(tagging_state=State.PENDING, tagging_changed_at=now)


def tag_pending(
    names: Sequence[str] | None = None, seconds: float | None = None, report: Callable[[Outcome], None] | None = None
) -> None:
    """Tag PENDING songs until none is left, or the time is over.

    An exception or interruption returns the songs that this call has claimed to PENDING.

    Parameters
    ----------
    names : sequence of str, optional
        Names of taggers; those of `first_pass` where it is None.
    seconds : float, optional
        No song is claimed after this time.
    report : callable, optional
        Called with the outcome of each finished song.

    Raises
    ------
    TaggerError
        If a tagger cannot be loaded.
    """
    from tagging.networks.inference import inference_threads, n_cores, predict_file

    if not (taggers := load(names)):
        return
    end = float("inf") if seconds is None else time.monotonic() + seconds
    heartbeat_at = time.monotonic()
    candidates: deque[int] = deque()
    claimed: dict[Future[list[Prediction]], Song] = {}
    with inference_threads() as threads:
        try:
            while True:
                while (
                    len(claimed) < 2 * n_cores() and time.monotonic() < end and (song := claim(candidates)) is not None
                ):
                    claimed[threads.submit(predict_file, song.audio_file, taggers)] = song
                if not claimed:
                    return
                finished, _ = wait(claimed, timeout=HEARTBEAT_S, return_when=FIRST_COMPLETED)
                for future in finished:
                    outcome = finish(claimed.pop(future), future, taggers)
                    if report is not None and outcome is not None:
                        report(outcome)
                if time.monotonic() > heartbeat_at + HEARTBEAT_S:
                    _running(claimed.values()).update(tagging_changed_at=timezone.now())
                    heartbeat_at = time.monotonic()
        finally:
            for future in claimed:
                future.cancel()
            _running(claimed.values()).update(
                tagging_state=State.PENDING,
                tagging_attempts=F("tagging_attempts") - 1,
                tagging_changed_at=timezone.now(),
            )


def _running(songs: Iterable[Song]) -> QuerySet[Song]:
    return Song.objects.filter(pk__in=[song.pk for song in songs], tagging_state=State.RUNNING)


def claim(candidates: deque[int]) -> Song | None:
    """Claim one PENDING song, the last changed first.

    Parameters
    ----------
    candidates : deque of int
        Primary keys that were PENDING earlier; refilled where it is empty.

    Returns
    -------
    Song or None
        RUNNING now, and claimed by no other worker; None where no song is PENDING whose file can be seen here.
    """
    while True:
        if not candidates:
            pending = absences.here.among(_pending()).order_by("-tagging_changed_at", "-pk")
            candidates.extend(pending.values_list("pk", flat=True)[:_CANDIDATES])
            if not candidates:
                return None
        pk = candidates.popleft()
        seen = _pending().select_related("root").filter(pk=pk).first()
        if seen is None or not absences.here.is_here(seen):
            continue
        won = Song.objects.filter(pk=pk, tagging_state=State.PENDING).update(
            tagging_state=State.RUNNING,
            tagging_attempts=F("tagging_attempts") + 1,
            tagging_changed_at=timezone.now(),
        )
        if won and (song := Song.objects.select_related("root").filter(pk=pk).first()) is not None:
            return song


def finish(song: Song, predicted: Future[list[Prediction]], taggers: Sequence[Tagger]) -> Outcome | None:
    """Store a song's predictions or its failure; None where the claim was lost to another worker meanwhile."""
    try:
        answers = predicted.result()
    except UnavailableAudio as error:
        return _put_back(song, str(error))
    except UnreadableAudio as error:
        reason = str(error)
        failed = _running([song]).update(
            tagging_state=State.FAILED, tagging_error=reason[:_LONGEST_REASON], tagging_changed_at=timezone.now()
        )
        return Outcome(song, reason) if failed else None
    with transaction.atomic():
        done = _running([song]).update(
            tagging_state=State.DONE, tagging_error="", tagging_attempts=0, tagging_changed_at=timezone.now()
        )
        if not done:
            return None
        for tagger, answer in zip(taggers, answers, strict=True):
            store_prediction(song, tagger, answer)
        # What the networks predicted was of the file that there was before.
        second_pass.forget(song)
    return Outcome(song)


def _put_back(song: Song, reason: str) -> Outcome | None:
    """Have a song wait whose file the system did not give; None, but for a file that fails while it is there.

    A file that is not there is no attempt. One that is there and cannot be read, as on a disk with a bad sector, is
    FAILED after MOST_ATTEMPTS.
    """
    away = not absences.here.is_here(song)
    song.refresh_from_db(fields=["tagging_attempts"])
    state: dict[str, Any]
    if not away and song.tagging_attempts >= MOST_ATTEMPTS:
        state = {"tagging_state": State.FAILED, "tagging_error": reason[:_LONGEST_REASON]}
    else:
        state = {"tagging_state": State.PENDING, "tagging_attempts": F("tagging_attempts") - int(away)}
    changed = _running([song]).update(**state, tagging_changed_at=timezone.now())
    return Outcome(song, reason) if changed and state["tagging_state"] == State.FAILED else None


@transaction.atomic
def store_prediction(song: Song, tagger: Tagger, predicted: Prediction) -> None:
    """Store a tagger's labels of a song, and its embedding where the tagger has one.

    They replace the tagger's earlier labels. A local tagger also replaces the labels of every other local tagger: a
    song has those of one of them, the one in use.
    """
    before: list[str] = []
    if predicted.embedding is not None and tagger.embedding is not None:
        others = TaggingRun.objects.filter(song=song).exclude(tagger=tagger.name).values_list("tagger", flat=True)
        before = local_among(others)
        TaggingRun.objects.filter(song=song, tagger__in=before).delete()
        store_embedding(song, tagger.embedding, predicted.embedding)
    kept = second_pass.without_merged({song.pk: tagger.kept(predicted)}, tagger.name)[song.pk]
    store_cnn_labels(song, tagger.name, kept, tagger.kinds, in_place_of=before)
    TaggingRun.objects.bulk_create([TaggingRun(song=song, tagger=tagger.name)], ignore_conflicts=True)
