"""`Maroon 5 ft. Wiz Khalifa` has a guest, and `Six Ft. Under` has none: their keys are made anew."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.models import Q

from catalog.names import artist_key, distinct_artists, split_guests, title_key


def make_keys(apps: Any, schema_editor: Any) -> None:
    """Write the keys of songs with such a word, as far as they are others now."""
    songs = apps.get_model("catalog", "Song").objects.using(schema_editor.connection.alias)
    changed = []
    spelled = songs.filter(Q(artist__icontains="ft") | Q(title__icontains="ft")).order_by("pk")
    for song in spelled.only("title", "artist", "title_key", "artist_key", "artists"):
        names = distinct_artists(split_guests(song.artist))
        new = title_key(song.title), artist_key(song.artist), song.artists or (names if len(names) > 1 else [])
        if new != (song.title_key, song.artist_key, song.artists):
            song.title_key, song.artist_key, song.artists = new
            changed.append(song)
    songs.bulk_update(changed, ["title_key", "artist_key", "artists"], batch_size=200)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0015_refused_files_and_signs")]

    operations = [migrations.RunPython(make_keys, migrations.RunPython.noop)]
