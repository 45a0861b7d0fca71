"""What was called joining songs is called merging them: the model, its columns and its permissions are renamed."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def rename_permissions(before: str, after: str) -> Any:
    """Rename the permissions on a model: Django renames its content type, and would add them anew, granted to nobody."""

    def rename(apps: Any, schema_editor: Any) -> None:
        permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
        for action in ("add", "change", "delete", "view"):
            permissions.filter(content_type__app_label="catalog", codename=f"{action}_{before}").update(
                codename=f"{action}_{after}"
            )

    return rename


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("catalog", "0008_upload_allowance_to_accounts"),
    ]

    operations = [
        migrations.RenameModel("JoinedSong", "MergedSong"),
        migrations.RenameField("MergedSong", "joined_at", "merged_at"),
        migrations.RenameField("MergedSong", "joined_by", "merged_by"),
        migrations.AlterModelOptions("MergedSong", options={"verbose_name": "joined song"}),
        migrations.AlterField(
            "MergedSong", "merged_at", models.DateTimeField(auto_now_add=True, verbose_name="joined at")
        ),
        migrations.AlterField(
            "MergedSong",
            "merged_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="merged_songs",
                to=settings.AUTH_USER_MODEL,
                verbose_name="joined by",
            ),
        ),
        migrations.AlterField(
            "MergedSong",
            "song",
            models.ForeignKey(
                help_text="What it is part of.",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="merged",
                to="catalog.song",
            ),
        ),
        migrations.RunPython(
            rename_permissions("joinedsong", "mergedsong"), rename_permissions("mergedsong", "joinedsong")
        ),
    ]
