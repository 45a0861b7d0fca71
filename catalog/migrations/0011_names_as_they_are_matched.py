"""Keys by which names are compared are made anew, and songs of several artists list them.

Marks of most scripts are parts of letters now, words between artists fall away, and guests have pages of their own.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations

from catalog.names import artist_key, distinct_artists, label_key, split_guests, title_key

_AT_ONCE = 1000


def make_keys(apps: Any, schema_editor: Any) -> None:
    """Write the keys of songs, labels and aliases that are others now."""
    _of_songs(apps.get_model("catalog", "Song").objects.using(schema_editor.connection.alias))
    for name in ("Label", "LabelAlias"):
        _of_labels(apps.get_model("catalog", name).objects.using(schema_editor.connection.alias))


def _of_songs(songs: Any) -> None:
    last = 0
    while some := list(
        songs.filter(pk__gt=last)
        .order_by("pk")
        .only("title", "artist", "title_key", "artist_key", "artists")[:_AT_ONCE]
    ):
        changed = []
        for song in some:
            names = distinct_artists(split_guests(song.artist))
            new = title_key(song.title), artist_key(song.artist), names if len(names) > 1 else []
            if new != (song.title_key, song.artist_key, song.artists):
                song.title_key, song.artist_key, song.artists = new
                changed.append(song)
        songs.bulk_update(changed, ["title_key", "artist_key", "artists"], batch_size=200)
        last = some[-1].pk


def _of_labels(labels: Any) -> None:
    taken = set(labels.values_list("key", flat=True))
    for label in labels.order_by("pk"):
        key = label_key(label.name)
        if key != label.key and key not in taken:
            labels.filter(pk=label.pk).update(key=key)
            taken.add(key)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0010_files_as_they_are")]

    operations = [migrations.RunPython(make_keys, migrations.RunPython.noop)]
