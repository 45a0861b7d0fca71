"""The bundled tagger has other labels on the same embeddings: songs get them anew, without being heard again."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def forget_runs(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("tagging", "TaggingRun").objects.filter(tagger="dcmrs").delete()


class Migration(migrations.Migration):
    dependencies = [("tagging", "0003_tagging_runs_and_training_jobs")]

    operations = [migrations.RunPython(forget_runs, migrations.RunPython.noop)]
