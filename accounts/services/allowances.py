"""What an account may upload: its allowance if an admin has set one, else the site's settings."""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User

from ..models import UploadAllowance

_MEGABYTE = 1_000_000


class UploadLimits(NamedTuple):
    """How much one person may upload in all; None where there is no limit."""

    bytes: int | None
    songs: int | None


def may_upload(user: User | AnonymousUser) -> bool:
    """Whether a user may upload songs: by their allowance if an admin has set one, else by the site's settings."""
    if not user.is_authenticated:
        return False
    allowance: UploadAllowance | None = getattr(user, "upload_allowance", None)
    if allowance is not None and allowance.may_upload is not None:
        return allowance.may_upload
    return user.is_staff or bool(settings.UPLOAD_OPEN)


def upload_limits(user: User) -> UploadLimits:
    """How much a user may upload in all; staff has no limit but one that an admin has set."""
    allowance = UploadAllowance.objects.filter(user=user).first() or UploadAllowance(user=user)
    megabytes = _limit(user, allowance.megabytes, settings.UPLOAD_QUOTA_MEGABYTES)
    return UploadLimits(
        bytes=None if megabytes is None else megabytes * _MEGABYTE,
        songs=_limit(user, allowance.songs, settings.UPLOAD_QUOTA_SONGS),
    )


def _limit(user: User, own: int | None, default: int) -> int | None:
    """The limit of one thing; None for none, which 0 stands for."""
    if own is None and user.is_staff:
        return None
    return (default if own is None else own) or None
