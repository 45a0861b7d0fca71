"""The published networks' embeddings are kept now: songs that they have labelled are heard again, in the background."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def forget_runs(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    runs = apps.get_model("tagging", "TaggingRun").objects
    runs.filter(tagger__in=["musicnn-msd", "musicnn-mtt"]).delete()


class Migration(migrations.Migration):
    dependencies = [("tagging", "0004_relabel_by_bundled_tagger")]

    operations = [migrations.RunPython(forget_runs, migrations.RunPython.noop)]
