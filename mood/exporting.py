"""What this app adds to the export of everything that is kept of a person."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.models import User

from accounts.services.exporting import Entry, exports

from .models import MoodPreference, MoodReading


@exports("mood_preference", MoodPreference)
def _preference(user: User) -> Iterator[Entry]:
    for preference in MoodPreference.objects.filter(user=user):
        yield {"way": preference.way, "keep_readings": preference.keep_readings}


@exports("mood_readings", MoodReading)
def _readings(user: User) -> Iterator[Entry]:
    for reading in MoodReading.objects.filter(user=user).order_by("at", "pk").iterator():
        yield {
            "at": reading.at,
            "emotions": reading.emotions,
            "way": reading.way,
            "picked_by_hand": reading.hand_picked,
        }
