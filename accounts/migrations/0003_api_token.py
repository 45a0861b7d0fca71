"""Tokens of the API with names, last use and expiry; those of REST framework are taken over, and work as before."""

import hashlib
from datetime import UTC

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

OLD_TABLE = "authtoken_token"


def take_over(apps, schema_editor):
    """Keep a digest of each token of REST framework, and let go of its table, which no app of this version has."""
    connection = schema_editor.connection
    if OLD_TABLE not in connection.introspection.table_names():
        return
    token = apps.get_model("accounts", "ApiToken")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT key, user_id, created FROM {OLD_TABLE}")  # noqa: S608
        rows = cursor.fetchall()
    for key, user, created in rows:
        made = token.objects.create(
            user_id=user, name="Made before names", digest=hashlib.sha256(key.encode()).hexdigest()
        )
        token.objects.filter(pk=made.pk).update(created_at=created if created.tzinfo else created.replace(tzinfo=UTC))
    schema_editor.execute(f"DROP TABLE {OLD_TABLE}")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_app_password"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                (
                    "digest",
                    models.CharField(editable=False, help_text="SHA-256; finds the token.", max_length=64, unique=True),
                ),
                ("read_only", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("last_used_at", models.DateTimeField(editable=False, null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_tokens",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.RunPython(take_over, migrations.RunPython.noop, elidable=False),
    ]
