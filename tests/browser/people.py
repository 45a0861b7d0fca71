"""Fill a new site with people, and with what they and the taggers say: called by `fill` of `site`."""

from pathlib import Path

import numpy as np
from django.conf import settings
from django.contrib.auth.models import User
from django.template.loader import render_to_string

from accounts.services.app_passwords import make_app_password
from catalog.models import CollectionOpinion, Label, Listener, Song, SongLabel
from catalog.names import artist_key, collection_hash
from catalog.services.embeddings import store_embedding
from catalog.services.favourites import set_favourite_collection, set_favourite_song
from catalog.services.labels import curate, labels_by_name, store_cnn_labels
from catalog.services.listening import rate, record_play, refuse
from catalog.services.playlists import make_playlist
from recommender.services.for_you.cold_start import FEWEST_TO_PICK

from .site import PASSWORD

KINDS = {
    "jazz": Label.Kind.GENRE,
    "electronic": Label.Kind.GENRE,
    "calm": Label.Kind.MOOD,
    "energetic": Label.Kind.MOOD,
    "melancholic": Label.Kind.MOOD,
    "piano": Label.Kind.INSTRUMENT,
    "female vocalists": Label.Kind.VOCALS,
}

COMMON = "instrumental"


def make_listener(name: str) -> None:
    User.objects.create_user(name, password=PASSWORD)


def main() -> None:
    """An admin, a listener with ratings and plays, one without; labels from a tagger, people and the admin.

    Besides, listeners who came with an import, so that songs have been played together.
    """
    boss = User.objects.create_superuser("boss", password=PASSWORD)
    mira = User.objects.create_user("mira", password=PASSWORD)
    make_listener("newcomer")
    songs = list(Song.objects.order_by("path"))
    names = list(KINDS)
    for place, song in enumerate(songs[:-1]):
        probabilities = {names[(place + step) % len(names)]: 0.9 - 0.23 * step for step in range(1 + place % 4)}
        # Feeble, but on enough songs to be offered to newcomers.
        common = {COMMON: 0.05 + 0.002 * place} if place < FEWEST_TO_PICK else {}
        store_cnn_labels(song, "jamendo-cnn", probabilities | common, KINDS | {COMMON: Label.Kind.VOCALS})
        # As its labels say it sounds, so that those with the same ones lie together on the map.
        heard = np.array([probabilities.get(name, 0.05) for name in names])
        store_embedding(song, "jamendo-cnn", np.append(heard, 0.02 * place))
    Song.objects.exclude(pk=songs[-1].pk).update(tagging_state=Song.Tagging.DONE)
    people = labels_by_name({"90s": Label.Kind.ERA, "piano": Label.Kind.INSTRUMENT, "metal": Label.Kind.GENRE})
    SongLabel.objects.create(song=songs[0], label=people["90s"], source="import", origin="lastfm", weight=12)
    curate(songs[0], people["piano"], True, boss)
    curate(songs[0], people["metal"], False, boss)
    for song, stars in zip(songs[2:6], (5, 4, 2, 5), strict=True):
        rate(mira, song, stars)
        record_play(mira, song)
    set_favourite_song(mira, songs[2])
    nina = collection_hash(artist_key("Nina Simone"))
    set_favourite_collection(mira, CollectionOpinion.Kind.ARTIST, nina, "Nina Simone")
    make_app_password(mira, "Phone")
    make_playlist(mira, "Late evening", [song.pk for song in songs[:5]])
    refuse(mira, songs[7], True)
    for number in range(3):
        other = User.objects.create_user(f"lastfm-{number}", is_active=False)
        Listener.objects.create(user=other, origin=Listener.Origin.IMPORTED)
        for song in songs[number : number + 4]:
            record_play(other, song)
    # What is only said when all else fails, as files to look at.
    bare = Path(settings.STATIC_ROOT) / "bare"
    bare.mkdir()
    for name in ("400", "403_csrf", "500"):
        (bare / f"{name}.html").write_text(render_to_string(f"{name}.html"))
