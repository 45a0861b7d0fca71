"""Takes the table of upload allowances over from `catalog`, with the rights on it and the sessions of those logged in."""

import django.db.models.deletion
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations, models
from django.utils import timezone

_BACKEND_BEFORE, _BACKEND = "catalog.backends.Accounts", "accounts.backends.Accounts"
_READ_AT_ONCE = 1000


def rename_content_type(apps, schema_editor):
    """Rights on allowances belong to a content type: renamed, they stay whose they are."""
    types = apps.get_model("contenttypes", "ContentType").objects.using(schema_editor.connection.alias)
    types.filter(app_label="catalog", model="uploadallowance").update(app_label="accounts")


def rename_backend_of_sessions(apps, schema_editor):
    """A session names the backend that logged its user in: under the old name it would be ended."""
    sessions = apps.get_model("sessions", "Session").objects.using(schema_editor.connection.alias)
    store = SessionStore()
    for session in sessions.filter(expire_date__gte=timezone.now()).iterator(_READ_AT_ONCE):
        data = store.decode(session.session_data)
        if data.get(BACKEND_SESSION_KEY) == _BACKEND_BEFORE:
            session.session_data = store.encode({**data, BACKEND_SESSION_KEY: _BACKEND})
            session.save(update_fields=["session_data"])


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("catalog", "0007_upload_allowance"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("sessions", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="UploadAllowance",
                    fields=[
                        (
                            "user",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="upload_allowance",
                                serialize=False,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("may_upload", models.BooleanField(blank=True, null=True, verbose_name="may upload songs")),
                        (
                            "megabytes",
                            models.PositiveIntegerField(
                                blank=True, help_text="Of all uploaded songs; 0 for no limit.", null=True
                            ),
                        ),
                        (
                            "songs",
                            models.PositiveIntegerField(
                                blank=True, help_text="At most so many; 0 for no limit.", null=True
                            ),
                        ),
                    ],
                    options={"db_table": "catalog_uploadallowance"},
                ),
            ],
        ),
        migrations.RunPython(rename_content_type, migrations.RunPython.noop),
        migrations.RunPython(rename_backend_of_sessions, migrations.RunPython.noop),
    ]
