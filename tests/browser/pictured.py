"""The listener of the README's pictures, in a demo library: called by `screenshots.py`."""

from django.contrib.auth.models import User

from catalog.models import Song
from catalog.services.listening import rate, record_play

from .site import PASSWORD

LIKED = ("Platform Four", "The Blue Staircase", "Half a Promise", "Umbrella Waltz", "Lamp in the Harbour", "Rain Check")


def main() -> None:
    """A listener who likes some quiet songs, and has played them."""
    mira, _ = User.objects.get_or_create(username="mira")
    mira.set_password(PASSWORD)
    mira.save()
    for place, title in enumerate(LIKED):
        song = Song.objects.get(title=title)
        rate(mira, song, 5 - place % 2)
        record_play(mira, song)
