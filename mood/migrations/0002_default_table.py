from typing import Any

from django.db import migrations

from mood.labels import DEFAULT_TABLE


def fill(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001
    rows = apps.get_model("mood", "EmotionLabel")
    rows.objects.bulk_create(
        rows(emotion=emotion, way=way, label=label, weight=weight)
        for (emotion, way), labels in DEFAULT_TABLE.items()
        for label, weight in labels.items()
    )


class Migration(migrations.Migration):
    dependencies = [("mood", "0001_initial")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
