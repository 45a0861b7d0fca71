from typing import Any

from django.db import migrations, models

from recommender.default_words import default_words, words_in_languages
from recommender.engine.query_tokens import word_key


def complete(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001
    """Add the words of other languages to the groups that an admin has kept, and say which words names say too."""
    words = apps.get_model("recommender", "Word")
    known = {word.key: word for word in words.objects.all()}
    languages = words_in_languages()
    for (first, *_), _meaning, in_names in default_words():
        head = known.get(word_key(first))
        if head is None or head.same_as_id is not None:
            continue
        if in_names:
            words.objects.filter(pk=head.pk).update(in_names=True)
        new = {word_key(other): other for other in languages.get(first, []) if word_key(other) not in known}
        known |= dict.fromkeys(new, head)
        words.objects.bulk_create(words(text=text, key=key, same_as=head) for key, text in new.items())


class Migration(migrations.Migration):
    dependencies = [("recommender", "0012_snapshot_files")]

    operations = [
        migrations.AddField(
            model_name="word",
            name="in_names",
            field=models.BooleanField(
                default=False,
                help_text="Songs are meant too whose title, album or playlist says it, as with Christmas or a wedding.",
                verbose_name="in names too",
            ),
        ),
        migrations.RunPython(complete, migrations.RunPython.noop),
    ]
