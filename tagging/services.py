"""Tagging the library: what is to be heard, who hears it, what is kept.

The state of each song stands in the database, and the queue only says that there is something to do. A song is
claimed by an update that succeeds once, held by a sign of life every few seconds, and put back where the signs have
stopped: whoever is killed in the middle leaves nothing `running`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet
from django.utils import timezone

from catalog.audio import UnreadableAudio
from catalog.models import Song, SongEmbedding
from catalog.services.embeddings import embeddings_of, store_embedding
from catalog.services.labels import store_cnn_labels, store_cnn_labels_of_songs

from . import registry
from .models import Hearing

if TYPE_CHECKING:
    from .inference import Heard, Tagger

State = Song.Tagging

MOST_ATTEMPTS = 3
SIGN_OF_LIFE_S = 10.0
LEFT_BEHIND_AFTER = timedelta(seconds=45)
# A minute tells best how fast it goes now; where less is finished in one, it takes longer to tell.
_RATE_WINDOWS = (timedelta(minutes=1), timedelta(minutes=10))
_ENOUGH_FINISHED = 5
_CANDIDATES = 50
_RELABELLED_AT_ONCE = 500
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one song.

    Attributes
    ----------
    song : Song
    error : str
        Why it failed; empty where it has its labels.
    """

    song: Song
    error: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the tagging of the library is.

    Attributes
    ----------
    pending, running, done, failed : int
        Songs with audio in each state.
    songs_per_second : float
        Over the last minute, as far as there was work in it, or the last ten where little was finished in one; 0
        before two are.
    """

    pending: int
    running: int
    done: int
    failed: int
    songs_per_second: float

    @property
    def left(self) -> int:
        """Songs still to be heard."""
        return self.pending + self.running

    @property
    def seconds_left(self) -> float | None:
        """At this rate; None where nothing moves."""
        return self.left / self.songs_per_second if self.songs_per_second else None


def progress() -> Progress:
    """How far the tagging of the library is."""
    counts = dict(_with_audio().order_by().values_list("tagging_state").annotate(Count("pk")))
    return Progress(
        pending=counts.get(State.PENDING, 0),
        running=counts.get(State.RUNNING, 0),
        done=counts.get(State.DONE, 0),
        failed=counts.get(State.FAILED, 0),
        songs_per_second=_songs_per_second(),
    )


def _songs_per_second() -> float:
    """How many songs are finished in a second lately; what passed before the first of them is not counted."""
    now = timezone.now()
    finished = _with_audio().filter(tagging_state__in=(State.DONE, State.FAILED))
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
    """Songs that could not be heard, all for one reason."""

    reason: str
    songs: int


def failed_songs() -> QuerySet[Song]:
    """The songs that could not be heard though their file is there: the others are heard once it is back."""
    return _with_audio().filter(tagging_state=State.FAILED, missing_since=None)


def failures() -> list[Failure]:
    """Why songs could not be heard, the commonest reason first."""
    reasons = failed_songs().order_by().values_list("tagging_error").annotate(songs=Count("pk"))
    return [Failure(reason, songs) for reason, songs in reasons.order_by("-songs", "tagging_error")]


def try_again(reason: str | None = None) -> int:
    """Have songs heard again that could not be: all of them, or those that failed for one reason.

    Returns
    -------
    int
        How many they are.
    """
    songs = failed_songs()
    return tag_again(songs if reason is None else songs.filter(tagging_error=reason))


def tag_again(songs: QuerySet[Song]) -> int:
    """Have songs with audio heard anew by every tagger.

    Returns
    -------
    int
        How many they are.
    """
    return songs.exclude(path="").update(
        tagging_state=State.PENDING, tagging_error="", tagging_attempts=0, tagging_changed_at=timezone.now()
    )


def sweep(names: Sequence[str] | None = None) -> int:
    """Put back what was left behind, and what a tagger has not heard that was installed since.

    Where the tagger in use is another one, songs whose embedding it understands have its labels afterwards.

    Parameters
    ----------
    names : sequence of str, optional
        The taggers; every installed one where it is None.

    Returns
    -------
    int
        How many songs are pending now; 0 where no tagger is installed.
    """
    if not (taggers := registry.installed() if names is None else names):
        return 0
    put_back()
    relabel_from_embeddings()
    for name in taggers:
        tag_again(Song.objects.filter(_not_heard_by(name), tagging_state=State.DONE, missing_since=None))
    return _with_audio().filter(tagging_state=State.PENDING).count()


def _not_heard_by(name: str) -> Q:
    """That a song has not been heard by a tagger, or by an earlier version of it."""
    never = Q(~Exists(Hearing.objects.filter(song=OuterRef("pk"), tagger=name)))
    if isinstance(tagger := registry.known().get(name), registry.OwnTagger):
        return never | Q(~Exists(SongEmbedding.objects.filter(song=OuterRef("pk"), model=tagger.embedding)))
    return never


def put_back() -> None:
    """Make pending again what somebody began and shows no sign of life for; failed, where that happens every time."""
    now = timezone.now()
    left_behind = Song.objects.filter(tagging_state=State.RUNNING, tagging_changed_at__lt=now - LEFT_BEHIND_AFTER)
    left_behind.filter(tagging_attempts__gte=MOST_ATTEMPTS).update(
        tagging_state=State.FAILED,
        tagging_error=f"whoever listened to it was gone before the end, {MOST_ATTEMPTS} times",
        tagging_changed_at=now,
    )
    left_behind.update(tagging_state=State.PENDING, tagging_changed_at=now)


def tag_pending(
    names: Sequence[str] | None = None, seconds: float | None = None, report: Callable[[Outcome], None] | None = None
) -> None:
    """Hear what is pending, until nothing is, or the time is over.

    Parameters
    ----------
    names : sequence of str, optional
        The taggers; every installed one where it is None.
    seconds : float, optional
        After so many, no further song is begun.
    report : callable, optional
        Told of each song when it is finished.

    Raises
    ------
    TaggerError
        If a tagger cannot be loaded.
    """
    from .inference import listen_to, listening_threads, n_cores

    if not (taggers := load(names)):
        return
    end = float("inf") if seconds is None else time.monotonic() + seconds
    sign_of_life_at = time.monotonic()
    candidates: deque[int] = deque()
    claimed: dict[Future[list[Heard]], Song] = {}
    with listening_threads() as threads:
        try:
            while True:
                while (
                    len(claimed) < 2 * n_cores() and time.monotonic() < end and (song := _claim(candidates)) is not None
                ):
                    claimed[threads.submit(listen_to, song.audio_file, taggers)] = song
                if not claimed:
                    return
                finished, _ = wait(claimed, timeout=SIGN_OF_LIFE_S, return_when=FIRST_COMPLETED)
                for future in finished:
                    outcome = _finish(claimed.pop(future), future, taggers)
                    if report is not None and outcome is not None:
                        report(outcome)
                if time.monotonic() > sign_of_life_at + SIGN_OF_LIFE_S:
                    _running(claimed.values()).update(tagging_changed_at=timezone.now())
                    sign_of_life_at = time.monotonic()
        finally:
            for future in claimed:
                future.cancel()
            _running(claimed.values()).update(
                tagging_state=State.PENDING,
                tagging_attempts=F("tagging_attempts") - 1,
                tagging_changed_at=timezone.now(),
            )


def relabel_from_embeddings(report: Callable[[int], object] | None = None) -> None:
    """Give songs the labels of the own tagger in use, without hearing them: those whose embedding is of its version.

    Labels of its relatives go, those of published taggers and curators stay. Killed at any moment, the next one goes
    on; several at once share the songs; put another tagger to use meanwhile, and it begins again with that one.

    Parameters
    ----------
    report : callable, optional
        Told of how many songs more have their labels.

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
    """How many songs `relabel_from_embeddings` has still to come to."""
    name = registry.in_use()
    return 0 if name is None else _with_labels_of_relatives(name).count()


def to_hear(tagger: registry.OwnTagger) -> int:
    """How many songs would be heard again if an own tagger were put to use: those that it hears otherwise."""
    known = _with_audio().filter(tagging_state=State.DONE, missing_since=None)
    return known.exclude(embedding__model=tagger.embedding).count()


def _with_labels_of_relatives(name: str) -> QuerySet[Song]:
    """Songs whose embedding an own tagger understands, but which have not its labels."""
    tagger = registry.describe(name)
    version = tagger.embedding if isinstance(tagger, registry.OwnTagger) else None
    heard = Hearing.objects.filter(song=OuterRef("pk"), tagger=name)
    return Song.objects.filter(~Exists(heard), embedding__model=version)


@transaction.atomic
def _relabel_some(name: str, after: int) -> list[int]:
    """Relabel some hundreds of songs whose primary keys are larger than one; theirs, ascending."""
    due = _with_labels_of_relatives(name).filter(pk__gt=after).order_by("pk")
    # Another worker's songs are no reason to wait.
    songs = due.select_for_update(skip_locked=True).values_list("pk", flat=True)
    if not (song_ids := list(songs[:_RELABELLED_AT_ONCE])):
        return []
    from .inference import WholeSongTagger

    (tagger,) = load([name])
    if not isinstance(tagger, WholeSongTagger):
        return []
    ids, vectors = embeddings_of(song_ids, str(tagger.embedding))
    kept = {song_id: tagger.kept(answer) for song_id, answer in zip(ids.tolist(), tagger.label(vectors), strict=True)}
    hearings = Hearing.objects.filter(song__in=kept)
    relatives = _own(hearings.values_list("tagger", flat=True).distinct())
    hearings.filter(tagger__in=relatives).delete()
    store_cnn_labels_of_songs(kept, name, tagger.kinds, in_place_of=relatives)
    Hearing.objects.bulk_create((Hearing(song_id=pk, tagger=name) for pk in kept), ignore_conflicts=True)
    return song_ids


def _own(names: Iterable[str]) -> list[str]:
    """Those names that are not of published taggers, but of the own family, be it that they are gone."""
    known = registry.known()
    return [name for name in names if not isinstance(known.get(name), registry.PublishedTagger)]


def load(names: Sequence[str] | None = None) -> list[Tagger]:
    """Some taggers, or every installed one, each loaded once a process.

    Raises
    ------
    TaggerError
        If one cannot be loaded.
    """
    return [_loaded(name, _version(name)) for name in (registry.installed() if names is None else names)]


def warm_up() -> None:
    """Load every installed tagger and let it hear silence, so that the first song takes no longer than others.

    Raises
    ------
    TaggerError
        If one cannot be loaded.
    """
    from .inference import listening_threads

    with listening_threads() as threads:
        list(threads.map(lambda tagger: tagger.warm_up(), load()))


@lru_cache(maxsize=8)
def _loaded(name: str, _version: object) -> Tagger:
    return registry.load(name)


def _version(name: str) -> object:
    """Another one where the tagger's weights are others than before: an owner has fitted it again."""
    weights = registry.describe(name).weights
    status = weights.stat() if weights else None
    return status and (weights, status.st_mtime_ns, status.st_size, status.st_ino)


def _with_audio() -> QuerySet[Song]:
    return Song.objects.exclude(path="")


def _running(songs: Iterable[Song]) -> QuerySet[Song]:
    return Song.objects.filter(pk__in=[song.pk for song in songs], tagging_state=State.RUNNING)


def _claim(candidates: deque[int]) -> Song | None:
    """One pending song that is now nobody else's, the last changed first; None where there is none.

    `candidates` are pending songs seen earlier.
    """
    while True:
        if not candidates:
            pending = _with_audio().filter(tagging_state=State.PENDING).order_by("-tagging_changed_at", "-pk")
            candidates.extend(pending.values_list("pk", flat=True)[:_CANDIDATES])
            if not candidates:
                return None
        pk = candidates.popleft()
        won = Song.objects.filter(pk=pk, tagging_state=State.PENDING).update(
            tagging_state=State.RUNNING,
            tagging_attempts=F("tagging_attempts") + 1,
            tagging_changed_at=timezone.now(),
        )
        if won and (song := Song.objects.select_related("root").filter(pk=pk).first()) is not None:
            return song


def _finish(song: Song, heard: Future[list[Heard]], taggers: Sequence[Tagger]) -> Outcome | None:
    """Store what was heard of a song, or why nothing was; None where the song has meanwhile gone to somebody else."""
    try:
        answers = heard.result()
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
            store_heard(song, tagger, answer)
    return Outcome(song)


@transaction.atomic
def store_heard(song: Song, tagger: Tagger, heard: Heard) -> None:
    """Give a song the labels that a tagger hears in it, and its embedding where it has one.

    They take the place of what the tagger heard before. One of the own family also takes the place of its relatives:
    a song has the word of one of them, the one in use.
    """
    before: list[str] = []
    if heard.embedding is not None and tagger.embedding is not None:
        others = Hearing.objects.filter(song=song).exclude(tagger=tagger.name).values_list("tagger", flat=True)
        before = _own(others)
        Hearing.objects.filter(song=song, tagger__in=before).delete()
        store_embedding(song, tagger.embedding, heard.embedding)
    store_cnn_labels(song, tagger.name, tagger.kept(heard.probabilities), tagger.kinds, in_place_of=before)
    Hearing.objects.bulk_create([Hearing(song=song, tagger=tagger.name)], ignore_conflicts=True)
