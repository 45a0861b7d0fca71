"""The listener of the README's pictures, in a demo library: run by `screenshots.py`."""

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402

from catalog.models import Song  # noqa: E402
from catalog.services.listening import rate, record_play  # noqa: E402

from .site import PASSWORD  # noqa: E402

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


if __name__ == "__main__":
    main()
