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
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet
from django.utils import timezone

from catalog.audio_frames import UnavailableAudio, UnreadableAudio
from catalog.models import Song, SongEmbedding, SongQuerySet
from catalog.services import absences
from catalog.services.embeddings import embeddings_of, store_embedding
from catalog.services.labels import store_cnn_labels, store_cnn_labels_of_songs

from . import registry, second_pass
from .models import TaggingRun

if TYPE_CHECKING:
    from .inference import Prediction, Tagger

State = Song.Tagging

MOST_ATTEMPTS = 3
HEARTBEAT_S = 10.0
STALE_AFTER = timedelta(seconds=45)
RELABELLED_AT_ONCE = 500
"""Songs that one transaction relabels from their stored embeddings."""

# The current rate is that of the last minute; with fewer than `_ENOUGH_FINISHED` songs in it, a longer window is used.
_RATE_WINDOWS = (timedelta(minutes=1), timedelta(minutes=10))
_ENOUGH_FINISHED = 5
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


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of songs by state, and the rate of tagging.

    Attributes
    ----------
    pending, running, done, failed : int
        Songs in each state; a pending one counts once its file is there.
    songs_per_second : float
        Mean rate since the first song finished in the last minute, or in the last ten minutes where fewer than five
        finished in one; 0 where fewer than two did.
    """

    pending: int
    running: int
    done: int
    failed: int
    songs_per_second: float

    @property
    def left(self) -> int:
        """PENDING and RUNNING songs."""
        return self.pending + self.running

    @property
    def total(self) -> int:
        """DONE songs, and those that are left."""
        return self.done + self.left

    @property
    def seconds_left(self) -> float | None:
        """Seconds until all are finished at this rate; None where the rate is 0."""
        return self.left / self.songs_per_second if self.songs_per_second else None

    @property
    def ready_at(self) -> datetime | None:
        """When all are finished at this rate; None where the rate is 0."""
        return None if self.seconds_left is None else timezone.now() + timedelta(seconds=self.seconds_left)


def progress() -> Progress:
    """Count songs with audio by state, and measure the rate of tagging."""
    waits_for_file = Q(tagging_state=State.PENDING, missing_since__isnull=False)
    counts = dict(
        Song.objects.with_file().exclude(waits_for_file).order_by().values_list("tagging_state").annotate(Count("pk"))
    )
    return Progress(
        pending=counts.get(State.PENDING, 0),
        running=counts.get(State.RUNNING, 0),
        done=counts.get(State.DONE, 0),
        failed=counts.get(State.FAILED, 0),
        songs_per_second=_songs_per_second(),
    )


def _songs_per_second() -> float:
    """Measure the recent rate, from the first song finished in the window on."""
    now = timezone.now()
    finished = Song.objects.with_file().filter(tagging_state__in=(State.DONE, State.FAILED))
    for window in _RATE_WINDOWS:
        lately = finished.filter(tagging_changed_at__gt=now - window).aggregate(
            count=Count("pk"), first=Min("tagging_changed_at")
        )
        if lately["count"] >= _ENOUGH_FINISHED or window == _RATE_WINDOWS[-1]:
            break
    if lately["count"] < 2:
        return 0.0
    return float((lately["count"] - 1) / max((now - lately["first"]).total_seconds(), 1.0))


@dataclass(frozen=True, slots=True)
class Failure:
    """FAILED songs that share one reason."""

    reason: str
    songs: int


def failed_songs() -> SongQuerySet:
    """Select FAILED songs whose file is present; a missing file is tagged again once it is back."""
    return Song.objects.playable().filter(tagging_state=State.FAILED)


def failures() -> list[Failure]:
    """Group FAILED songs by reason, the most frequent reason first."""
    reasons = failed_songs().order_by().values_list("tagging_error").annotate(songs=Count("pk"))
    return [Failure(reason, songs) for reason, songs in reasons.order_by("-songs", "tagging_error")]


def retry_failed(reason: str | None = None) -> int:
    """Requeue FAILED songs whose file is present.

    Parameters
    ----------
    reason : str, optional
        Only songs that failed for this reason; all where it is None.

    Returns
    -------
    int
        How many songs were requeued.
    """
    songs = failed_songs()
    return (songs if reason is None else songs.filter(tagging_error=reason)).requeue_tagging()


def first_pass() -> list[str]:
    """The taggers that give a new song its labels at once.

    Where networks are there that label songs again (`second_pass`), it is the local tagger alone.
    """
    if second_pass.networks() and (name := registry.in_use()) is not None:
        return [name]
    return registry.installed()


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
    from .inference import inference_threads, n_cores, predict_file

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
    known = Song.objects.playable().filter(tagging_state=State.DONE)
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
    from .inference import Prediction, WholeSongTagger

    (tagger,) = load([name])
    if not isinstance(tagger, WholeSongTagger):
        return []
    ids, vectors = embeddings_of(song_ids, str(tagger.embedding))
    heard = zip(ids.tolist(), tagger.label(vectors), strict=True)
    tagging_runs = TaggingRun.objects.filter(song__in=ids.tolist())
    relatives = _local(tagging_runs.values_list("tagger", flat=True).distinct())
    # An embedding does not tell whether it is of music; what heard the song did.
    without_music = second_pass.labels_without_music(song_ids, relatives)
    predicted = {song_id: Prediction(answer, None, without_music.get(song_id, {})) for song_id, answer in heard}
    kept = second_pass.without_merged({song_id: tagger.kept(one) for song_id, one in predicted.items()}, name)
    tagging_runs.filter(tagger__in=relatives).delete()
    store_cnn_labels_of_songs(kept, name, tagger.kinds, in_place_of=relatives)
    TaggingRun.objects.bulk_create((TaggingRun(song_id=pk, tagger=name) for pk in kept), ignore_conflicts=True)
    return song_ids


def _local(names: Iterable[str]) -> list[str]:
    """Keep the names of local taggers, also of those whose file is gone."""
    known = registry.known()
    return [name for name in names if not isinstance(known.get(name), registry.PublishedTagger)]


def load(names: Sequence[str] | None = None) -> list[Tagger]:
    """Load taggers, each once a process and version of its weights.

    Parameters
    ----------
    names : sequence of str, optional
        Those of `first_pass` where it is None.

    Raises
    ------
    TaggerError
        If one cannot be loaded.
    """
    return [_loaded(name, _version(name)) for name in (first_pass() if names is None else names)]


def warm_up() -> None:
    """Load the taggers of `first_pass` and run them on silence, so that the first song takes no longer than others.

    Raises
    ------
    TaggerError
        If one cannot be loaded.
    """
    from .inference import inference_threads

    with inference_threads() as threads:
        list(threads.map(lambda tagger: tagger.warm_up(), load()))


@lru_cache(maxsize=8)
def _loaded(name: str, _version: object) -> Tagger:
    return registry.load(name)


def _version(name: str) -> object:
    """Identify the weights' file, so that a tagger that is trained again under its name is loaded again."""
    weights = registry.describe(name).weights
    status = weights.stat() if weights else None
    return status and (weights, status.st_mtime_ns, status.st_size, status.st_ino)


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
        before = _local(others)
        TaggingRun.objects.filter(song=song, tagger__in=before).delete()
        store_embedding(song, tagger.embedding, predicted.embedding)
    kept = second_pass.without_merged({song.pk: tagger.kept(predicted)}, tagger.name)[song.pk]
    store_cnn_labels(song, tagger.name, kept, tagger.kinds, in_place_of=before)
    TaggingRun.objects.bulk_create([TaggingRun(song=song, tagger=tagger.name)], ignore_conflicts=True)
