"""Explains on a song's page whether and why the song is recommended to the listener."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.contrib.auth.models import User
from django.db.models import Max, Sum
from django.utils.formats import date_format
from django.utils.timezone import localtime

from catalog.models import NotThis, PlayCount, Rating, Song

from .comparison import Comparator, comparator
from .fit import labels_to_come
from .placements import Placement, PlacementReason, explain
from .taste import DISLIKED_TO

_BY = {
    "hybrid": "by sound, labels and listeners together",
    "content": "by its labels",
    "labels_and_sound": "by its labels and its sound",
    "latent": "by what listeners have in common",
    "popular": "by how many people play it",
}
_COMPANY = "cooccurrence"
# Texts of a comparison, addressed to the listener.
_YOU = {
    PlacementReason.NO_TASTE: "nothing is known of your taste yet. Give a few songs stars.",
    PlacementReason.SHARES_NO_LABEL: "it shares no label with the songs that you like.",
    PlacementReason.SHARES_TOO_LITTLE: "what it shares with the songs that you like is too little to recommend it.",
    PlacementReason.LISTENER_PLAYED_NOTHING: "you have played nothing yet that others could have played too.",
    PlacementReason.SHARES_NO_LISTENER: "nobody who plays it plays what you play.",
    PlacementReason.NOBODY_PLAYED_IT: "nobody has played it yet, so only its labels and its sound can bring it to you.",
}


@dataclass(frozen=True, slots=True)
class Story:
    """The explanation of a song for a listener.

    Attributes
    ----------
    verdict : str
        In one sentence.
    more : list of str
        Further sentences.
    shares_no_label : bool
        Whether the verdict is that the song shares no label with what the listener likes.
    """

    verdict: str
    more: list[str]
    shares_no_label: bool = False


def story_of(listener: User, song: Song) -> Story | None:
    """Explain a song to a listener; None before the first snapshot."""
    # Pages recommend playable songs; a song without a file is ranked among all songs.
    here = comparator(listener, playable_only=song.playable)
    if here is None:
        return None
    best = here.bundle.best
    methods = list(dict.fromkeys([best, *([_COMPANY] if _COMPANY in here.bundle.methods else [])]))
    [explained] = explain(here, [song], methods)
    first, *others = explained.places
    if first.why is PlacementReason.KNOWN:
        return Story(f"Not recommended, because you know it: {_interaction(listener, song)}.", [])
    if first.why is PlacementReason.NEW:
        return Story("Not recommended yet: it is so new that nothing has been compared with it.", [])
    if first.why is PlacementReason.NO_LABEL and labels_to_come(here.bundle, song):
        return Story("Not recommended yet: its labels are new, and count with the next computation.", [])
    more = (
        [] if song.playable else ["There is no file of it here, so pages leave it out unless you ask for such songs."]
    )
    more += [said for place in others if (said := _company(place))]
    return Story(_verdict(here, first), more, first.why is PlacementReason.SHARES_NO_LABEL)


def _verdict(here: Comparator, place: Placement) -> str:
    if place.rank is None:
        return f"Not recommended: {_YOU.get(place.why) or place.text[0].lower() + place.text[1:]}"
    among = int(np.count_nonzero(here.candidates))
    by = _BY.get(place.method, f"by {place.method}")
    said = f"number {place.rank:,} of the {among:,} songs that you do not know yet, {by}"
    if place.why is PlacementReason.LISTED:
        return f"Recommended to you: {said}."
    return f"Not among your first {here.n}: {said}."


def _company(place: Placement) -> str:
    """The sentence about co-occurrence."""
    if place.rank is not None:
        return f"By who plays it, it is number {place.rank:,} for you."
    said = _YOU.get(place.why, place.text)
    return said[:1].upper() + said[1:]


def _interaction(listener: User, song: Song) -> str:
    """What the listener has done with a known song; a refusal before a rating before plays."""
    if refusal := NotThis.objects.filter(user=listener, song=song).first():
        return f"you said on {_day(refusal.created_at)} that it is not for you"
    if rating := Rating.objects.filter(user=listener, song=song).first():
        stars = f"{rating.stars} star{'' if rating.stars == 1 else 's'}"
        kept_away = ", and songs like it are kept away" if rating.stars <= DISLIKED_TO else ""
        return f"you gave it {stars} on {_day(rating.rated_at)}{kept_away}"
    played = PlayCount.objects.filter(user=listener, song=song).aggregate(times=Sum("count"), last=Max("last_played"))
    if times := played["times"]:
        last = f", the last time on {_day(played['last'])}" if played["last"] else ""
        return f"you played it {'once' if times == 1 else f'{times} times'}{last}"
    return "you began it and went on to another"


def _day(moment: datetime) -> str:
    return date_format(localtime(moment), "j F Y")
