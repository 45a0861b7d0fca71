"""The table of upload allowances belongs to `accounts` from here on."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("catalog", "0007_upload_allowance"), ("accounts", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel(name="UploadAllowance")]),
    ]
