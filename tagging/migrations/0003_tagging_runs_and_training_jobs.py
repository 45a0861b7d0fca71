"""Hearings are called tagging runs, lessons training jobs; who had a right on them keeps it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

_RENAMED = {"lesson": "trainingjob", "hearing": "taggingrun"}


def rename_permissions(apps, schema_editor):
    """Django renames the content types of renamed models, and not the permissions on them."""
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    for before, after in _RENAMED.items():
        for action in ("add", "change", "delete", "view"):
            permissions.filter(content_type__app_label="tagging", codename=f"{action}_{before}").update(
                codename=f"{action}_{after}"
            )


class Migration(migrations.Migration):
    dependencies = [
        ("tagging", "0002_lesson"),
        ("catalog", "0008_upload_allowance_to_accounts"),
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint("hearing", "one_hearing_a_tagger"),
        migrations.RemoveConstraint("lesson", "one_lesson_waits"),
        migrations.RemoveConstraint("lesson", "one_lesson_at_a_time"),
        migrations.RenameModel("Hearing", "TaggingRun"),
        migrations.RenameModel("Lesson", "TrainingJob"),
        migrations.AlterField(
            "taggingrun",
            "song",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="tagging_runs", to="catalog.song"
            ),
        ),
        migrations.AlterField(
            "trainingjob",
            "asked_by",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="training_jobs",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            "trainingjob",
            "changed_at",
            models.DateTimeField(auto_now=True, help_text="While it runs, the last heartbeat."),
        ),
        migrations.AddConstraint(
            "taggingrun", models.UniqueConstraint(fields=("song", "tagger"), name="one_run_a_tagger")
        ),
        migrations.AddConstraint(
            "trainingjob",
            models.UniqueConstraint(
                condition=models.Q(("state", "waiting")), fields=("state",), name="one_training_job_waits"
            ),
        ),
        migrations.AddConstraint(
            "trainingjob",
            models.UniqueConstraint(
                condition=models.Q(("state", "running")), fields=("state",), name="one_training_job_at_a_time"
            ),
        ),
        migrations.RunPython(rename_permissions, migrations.RunPython.noop),
    ]
