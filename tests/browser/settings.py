"""The settings, with passwords that are quick to check: every test logs in."""

from dcmrs_site.settings import *  # noqa: F403

# Safe ones take long, on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
