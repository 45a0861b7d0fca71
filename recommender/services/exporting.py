"""The recommender's sections of the data export."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.models import User

from accounts.services.exporting import Entry, exports

from ..models import AskedMood, DailyList, Dial, ListeningContext, SimilarityChoice


@exports("dial", Dial)
def _dial(user: User) -> Iterator[Entry]:
    for dial in Dial.objects.filter(user=user):
        yield {"position": dial.position, "familiar": -Dial.END, "adventurous": Dial.END}


@exports("contexts", ListeningContext)
def _contexts(user: User) -> Iterator[Entry]:
    for context in ListeningContext.objects.filter(user=user).order_by("created_at", "pk"):
        yield {"name": context.name, "words": context.words, "created_at": context.created_at}


@exports("similar_songs", SimilarityChoice)
def _similarity_choice(user: User) -> Iterator[Entry]:
    for choice in SimilarityChoice.objects.filter(user=user):
        yield {"by": choice.by}


@exports("asked_mood", AskedMood)
def _asked_mood(user: User) -> Iterator[Entry]:
    for mood in AskedMood.objects.filter(user=user):
        yield {"labels": mood.labels, "share": mood.share, "asked_at": mood.asked_at}


@exports("daily_lists", DailyList)
def _daily_lists(user: User) -> Iterator[Entry]:
    for daily in DailyList.objects.filter(user=user).order_by("pk"):
        yield {"title": daily.title, "reason": daily.reason, "day": daily.day, "songs": daily.song_ids}
