import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0006_curation"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
                    models.PositiveIntegerField(blank=True, help_text="At most so many; 0 for no limit.", null=True),
                ),
            ],
        ),
    ]
