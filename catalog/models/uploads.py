"""What one person may upload, where it is not what everybody may."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class UploadAllowance(models.Model):
    """An admin's word on what one person may upload; where it says nothing, the site's settings count."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="upload_allowance"
    )
    may_upload = models.BooleanField(null=True, blank=True, verbose_name="may upload songs")
    megabytes = models.PositiveIntegerField(null=True, blank=True, help_text="Of all uploaded songs; 0 for no limit.")
    songs = models.PositiveIntegerField(null=True, blank=True, help_text="At most so many; 0 for no limit.")

    def __str__(self) -> str:
        return f"What {self.user} may upload"
