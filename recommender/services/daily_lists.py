"""Recommended lists that keep their order for a day, for players that know nothing of recommendations but play lists.

For you, New here, one for each listening context, and the mood that was last asked for; each says why in a sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from catalog.models import Song

from ..engine.diversity import UNKNOWN_ARTIST, spread_artists
from ..models import AskedMood, DailyList
from ..snapshots import current
from .contexts import contexts_of
from .finding import find
from .label_queries import find_labels
from .reasons import LabelReason, SongReason, listed, told
from .recommending import Recommendation, recommend
from .taste import taste_of

LENGTH = 50
"""Songs of a list."""

MOOD_KEPT = timedelta(days=1)
"""A mood that was asked for is remembered so long."""

_POOL = 3
_NEWEST = 200
_NAMED = 3


@dataclass(frozen=True, slots=True)
class _Draft:
    """A list that is yet to be made: `make` gives its songs, by primary key, and the reason."""

    slug: str
    title: str
    made_of: str
    make: Callable[[], tuple[list[int], str]]


def daily_lists(user: User) -> list[DailyList]:
    """A listener's lists of today; those that have no song are left out."""
    drafts = _drafts(user)
    there = {row.slug: row for row in DailyList.objects.filter(user=user)}
    gone = set(there) - {draft.slug for draft in drafts}
    if gone:
        DailyList.objects.filter(user=user, slug__in=gone).delete()
    rows = [_kept_or_made(user, draft, there.get(draft.slug)) for draft in drafts]
    return [row for row in rows if row is not None]


def daily_list(user: User, slug: str) -> DailyList | None:
    """A listener's list of today; None where there is none of this name, or no song in it."""
    draft = next((draft for draft in _drafts(user) if draft.slug == slug), None)
    if draft is None:
        return None
    return _kept_or_made(user, draft, DailyList.objects.filter(user=user, slug=slug).first())


def valid_until(daily: DailyList) -> datetime:
    """The end of the day that a list is for."""
    after = daily.day + timedelta(days=1)
    return timezone.make_aware(datetime(after.year, after.month, after.day))


def remember_mood(user: User, labels: Mapping[str, float], share: float) -> None:
    """Keep which labels a mood asked for, in the place of the one before."""
    asked = {"labels": dict(labels), "share": share, "asked_at": timezone.now()}
    AskedMood.objects.update_or_create(user=user, defaults=asked)


def _drafts(user: User) -> list[_Draft]:
    drafts = [
        _Draft("for-you", "For you", "", partial(_for_you, user)),
        _Draft("new-here", "New here", "", partial(_new_here, user)),
    ]
    drafts += [
        _Draft(f"context-{context.pk}", context.name, context.words, partial(_of_words, user, context.words))
        for context in contexts_of(user)
    ]
    mood = AskedMood.objects.filter(user=user).first()
    if mood is not None and timezone.now() - mood.asked_at > MOOD_KEPT:
        mood.delete()
    elif mood is not None:
        drafts.append(_Draft("mood", "Your mood", mood.asked_at.isoformat(), partial(_of_mood, user, mood)))
    return drafts


def _kept_or_made(user: User, draft: _Draft, row: DailyList | None) -> DailyList | None:
    today = timezone.localdate()
    if row is not None and (row.day, row.made_of, row.title) == (today, draft.made_of, draft.title):
        return row
    songs, reason = draft.make()
    if not songs:
        # Not kept: with the next snapshot, or the first rating, there may be some.
        return None
    with transaction.atomic():
        made, _ = DailyList.objects.update_or_create(
            user=user,
            slug=draft.slug,
            defaults={
                "title": draft.title,
                "reason": reason[:300],
                "song_ids": songs,
                "day": today,
                "made_of": draft.made_of,
                "made_at": timezone.now(),
            },
        )
    return made


def _for_you(user: User) -> tuple[list[int], str]:
    """The best of the whole ranking; for a listener without ratings and plays, what is played most."""
    found = recommend(user, n=_POOL * LENGTH, playable_only=True)
    if found:
        return _spread([one.song for one in found]), _because(found)
    popular = recommend(user, "popular", n=_POOL * LENGTH, playable_only=True) if current.bundle() else []
    return _spread([one.song for one in popular]), "Played most here. Rate some songs, and this list becomes your own."


def _because(found: Sequence[Recommendation]) -> str:
    """What most of a list's songs are there for."""
    labels = Counter(
        reason.label
        for one in found[:LENGTH]
        for reason in told(r for r in one.reasons if isinstance(r, LabelReason) and r.weight > 0)
    )
    if labels:
        return f"Because you like {listed([name for name, _ in labels.most_common(_NAMED)])}."
    songs = Counter(
        f"“{reason.song.title}”"
        for one in found[:LENGTH]
        for reason in one.reasons
        if isinstance(reason, SongReason) and not reason.by_sound
    )
    alike = Counter(
        f"“{reason.song.title}”"
        for one in found[:LENGTH]
        for reason in one.reasons
        if isinstance(reason, SongReason) and reason.by_sound
    )
    if alike and alike.total() > songs.total():
        return f"Because they sound like {listed([name for name, _ in alike.most_common(_NAMED)])}."
    if songs:
        return f"Because people who play {listed([name for name, _ in songs.most_common(_NAMED)])} play these too."
    return "Close to what you like."


def _new_here(user: User) -> tuple[list[int], str]:
    """The latest songs that the listener has not heard, what fits them first."""
    known = taste_of(user).known
    songs = list(Song.objects.playable().order_by("-added_at", "-pk")[: _NEWEST + len(known)])
    no_music = _without_music()
    new = [song for song in songs if song.pk not in known and song.pk not in no_music][:_NEWEST]
    fitting = {one.song.pk: one for one in recommend(user, n=5 * _NEWEST, playable_only=True)}
    first = sorted(
        new[: 2 * LENGTH], key=lambda song: -fitting[song.pk].score if song.pk in fitting else 0.0
    )  # stable: the newest first among those that nothing is known of
    if not first:
        return [], ""
    reasons = [fitting[song.pk] for song in first if song.pk in fitting]
    words = f" What you may like comes first: {reasons[0].words}." if reasons and reasons[0].words else ""
    return _spread(first), f"The latest songs that you have not heard yet.{words}"


def _without_music() -> set[int]:
    bundle = current.bundle()
    return set() if bundle is None else set(bundle.index.song_ids[~bundle.has_music].tolist())


def _of_words(user: User, words: str) -> tuple[list[int], str]:
    """What fits a text that a listener keeps."""
    findings = find(user, words, n=LENGTH, playable_only=True)
    labels = [
        label for label, weight in sorted(findings.parsed.labels.items(), key=lambda item: -item[1]) if weight > 0
    ]
    understood = f": {listed(labels[:_NAMED])}" if labels else ""
    return [one.song.pk for one in findings.songs], f"You asked for “{words}”{understood}."


def _of_mood(user: User, mood: AskedMood) -> tuple[list[int], str]:
    """What fits the labels that a mood asked for."""
    labels = {name: float(mood.labels[name]) for name in find_labels(mood.labels)}
    if not labels:
        return [], ""
    found = recommend(user, query=labels, query_share=mood.share, n=_POOL * LENGTH, playable_only=True)
    strongest = [name for name, weight in sorted(labels.items(), key=lambda item: -item[1]) if weight > 0]
    return _spread([one.song for one in found]), f"For the mood you asked for last: {listed(strongest[:_NAMED])}."


def _spread(songs: Sequence[Song]) -> list[int]:
    """The first of the songs, so that no artist comes again at once."""
    numbers: dict[str, int] = {"": UNKNOWN_ARTIST}
    artists = np.array([numbers.setdefault(song.artist_key, len(numbers)) for song in songs], np.int64)
    order = spread_artists(np.arange(len(songs)), artists, LENGTH)
    return [songs[at].pk for at in order.tolist()]
