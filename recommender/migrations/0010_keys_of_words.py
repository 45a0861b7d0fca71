"""The keys of words are made anew: marks of most scripts are parts of letters now."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from recommender.engine.query_tokens import word_key


def make_keys(apps: Any, schema_editor: Any) -> None:
    """Write the keys that are others now."""
    words = apps.get_model("recommender", "Word").objects.using(schema_editor.connection.alias)
    taken = set(words.values_list("key", flat=True))
    for word in words.order_by("pk"):
        key = word_key(word.text)
        if key != word.key and key not in taken:
            words.filter(pk=word.pk).update(key=key)
            taken.add(key)


class Migration(migrations.Migration):
    dependencies = [("recommender", "0009_snapshot_build")]

    operations = [migrations.RunPython(make_keys, migrations.RunPython.noop)]
