"""What one person may upload, where it is not what everybody may; passwords and tokens of players and programs."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class UploadAllowance(models.Model):
    """What an admin lets a person upload; where a field is empty, the site's settings count."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="upload_allowance"
    )
    may_upload = models.BooleanField(null=True, blank=True, verbose_name="may upload songs")
    megabytes = models.PositiveIntegerField(null=True, blank=True, help_text="Of all uploaded songs; 0 for no limit.")
    songs = models.PositiveIntegerField(null=True, blank=True, help_text="At most so many; 0 for no limit.")

    class Meta:
        # The table is older than this app.
        db_table = "catalog_uploadallowance"

    def __str__(self) -> str:
        return f"What {self.user} may upload"


class AppPassword(models.Model):
    """A password that a person has made for one program, so that the account's own need not be given to it.

    Some protocols send only a hash of the password with a salt, which no stored hash can be checked against: the
    password is kept encrypted (`services.app_passwords`).
    """

    # The constraint below begins with the user.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="app_passwords", db_index=False
    )
    name = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True, editable=False, help_text="Keyed; finds the password.")
    secret = models.CharField(max_length=200, editable=False, help_text="The password, encrypted.")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="one_app_password_a_name")]

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"


class ApiToken(models.Model):
    """What a program sends in the place of a password when it uses the API.

    Only a digest is kept: a token is random enough that it cannot be found by trying, so nothing slow is needed.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True, editable=False, help_text="SHA-256; finds the token.")
    read_only = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"
