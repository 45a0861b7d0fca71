"""Renames Recomputation and RecomputationPart to SnapshotBuild and SnapshotBuildPart; rows stay."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("recommender", "0008_default_words"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="recomputationpart", name="one_part_a_block"),
        migrations.RenameModel("Recomputation", "SnapshotBuild"),
        migrations.RenameModel("RecomputationPart", "SnapshotBuildPart"),
        migrations.RenameField("snapshotbuildpart", "recomputation", "snapshot_build"),
        migrations.AddConstraint(
            model_name="snapshotbuildpart",
            constraint=models.UniqueConstraint(fields=("snapshot_build", "name", "block"), name="one_part_a_block"),
        ),
        migrations.AlterField(
            model_name="snapshotbuildpart",
            name="taken_until",
            field=models.DateTimeField(help_text="End of the worker's lease; each heartbeat extends it.", null=True),
        ),
        migrations.AlterField(
            model_name="changes",
            name="building_until",
            field=models.DateTimeField(help_text="End of the build's lease; each heartbeat extends it.", null=True),
        ),
    ]
