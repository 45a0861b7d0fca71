"""Labels that say little to a listener are there no longer to be offered first."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

BACKGROUND = [
    "advertising",
    "background",
    "beat",
    "beats",
    "commercial",
    "computer",
    "corporate",
    "documentary",
    "solo",
    "trailer",
    "weird",
]


def mark(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("catalog", "Label").objects.filter(key__in=BACKGROUND).update(background=True)


class Migration(migrations.Migration):
    dependencies = [("tagging", "0005_listen_again_for_embeddings"), ("catalog", "0013_label_background")]

    operations = [migrations.RunPython(mark, migrations.RunPython.noop)]
