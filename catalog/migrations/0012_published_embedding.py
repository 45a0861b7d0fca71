"""Published networks' embeddings of songs, beside those of the local tagger."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0011_names_as_they_are_matched")]

    operations = [
        migrations.AlterField(
            model_name="songembedding",
            name="model",
            field=models.CharField(help_text="The version of the network, or networks, that made it.", max_length=60),
        ),
        migrations.CreateModel(
            name="PublishedEmbedding",
            fields=[
                (
                    "model",
                    models.CharField(help_text="The version of the network, or networks, that made it.", max_length=60),
                ),
                ("vector", models.BinaryField(help_text="Half-precision numbers, little-endian.")),
                (
                    "song",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="published_embedding",
                        serialize=False,
                        to="catalog.song",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["model"], name="catalog_pub_model_e6eaa7_idx")],
            },
        ),
    ]
