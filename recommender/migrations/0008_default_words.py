from typing import Any

from django.db import migrations

from recommender.default_words import default_words
from recommender.engine.query_tokens import word_key


def fill(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001
    words, labels = apps.get_model("recommender", "Word"), apps.get_model("recommender", "WordLabel")
    for (first, *others), meaning, _ in default_words():
        word = words.objects.create(text=first, key=word_key(first))
        labels.objects.bulk_create(labels(word=word, label=label, weight=weight) for label, weight in meaning.items())
        words.objects.bulk_create(words(text=other, key=word_key(other), same_as=word) for other in others)


class Migration(migrations.Migration):
    dependencies = [("recommender", "0007_words")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
