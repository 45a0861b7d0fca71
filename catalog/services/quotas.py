"""Who may upload songs, and how much of them."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from ..importing.roots import UPLOADS
from ..models import Song, UploadAllowance
from ..words import count, size

_MEGABYTE = 1_000_000
_ASK_FOR_MORE = "Whoever runs this server can give you more."


@dataclass(frozen=True, slots=True)
class Quota:
    """How much somebody has uploaded, and how much they may.

    Attributes
    ----------
    used_bytes, used_songs : int
    most_bytes, most_songs : int or None
        None where there is no limit.
    """

    used_bytes: int
    used_songs: int
    most_bytes: int | None
    most_songs: int | None

    @property
    def left_bytes(self) -> int | None:
        """How much more may be uploaded; None where there is no limit."""
        return None if self.most_bytes is None else max(self.most_bytes - self.used_bytes, 0)

    @property
    def left_songs(self) -> int | None:
        """How many songs more may be uploaded; None where there is no limit."""
        return None if self.most_songs is None else max(self.most_songs - self.used_songs, 0)

    @property
    def limited(self) -> bool:
        """Whether there is a limit at all."""
        return self.most_bytes is not None or self.most_songs is not None

    @property
    def full(self) -> bool:
        """Whether nothing more may be uploaded."""
        return self.left_bytes == 0 or self.left_songs == 0

    @property
    def exceeded(self) -> bool:
        """Whether there is more than there may be."""
        return (self.most_bytes is not None and self.used_bytes > self.most_bytes) or (
            self.most_songs is not None and self.used_songs > self.most_songs
        )

    @property
    def why_full(self) -> str:
        """What to tell whoever may upload no more."""
        if self.left_songs == 0 and self.most_songs is not None:
            used, most = count(self.used_songs, "song"), f"{self.most_songs:,}"
            return f"You have uploaded {used}, and {most} are the most. {_ASK_FOR_MORE}"
        used, most = size(self.used_bytes), size(self.most_bytes or 0)
        return f"Your songs take {used} here, and {most} are the most. {_ASK_FOR_MORE}"

    @property
    def why_too_large(self) -> str:
        """What to tell of a file that is larger than what is left."""
        return f"larger than the {size(self.left_bytes or 0)} that are left of your {size(self.most_bytes or 0)}"


def may_upload(user: User | AnonymousUser) -> bool:
    """Whether somebody may upload songs here: by an admin's word, else as the site's settings have it."""
    if not user.is_authenticated:
        return False
    allowance: UploadAllowance | None = getattr(user, "upload_allowance", None)
    if allowance is not None and allowance.may_upload is not None:
        return allowance.may_upload
    return user.is_staff or bool(settings.UPLOAD_OPEN)


def quota_of(user: User) -> Quota:
    """How much somebody has uploaded, as it is now, and how much they may.

    What counts are the songs whose file lies among the uploads. Staff has no limit but one that an admin has set.
    """
    allowance = UploadAllowance.objects.filter(user=user).first() or UploadAllowance(user=user)
    used = uploaded_songs(user).aggregate(bytes=Coalesce(Sum("size"), 0), songs=Count("pk"))
    most_megabytes = _limit(user, allowance.megabytes, settings.UPLOAD_QUOTA_MEGABYTES)
    return Quota(
        used_bytes=used["bytes"],
        used_songs=used["songs"],
        most_bytes=None if most_megabytes is None else most_megabytes * _MEGABYTE,
        most_songs=_limit(user, allowance.songs, settings.UPLOAD_QUOTA_SONGS),
    )


def uploaded() -> Q:
    """Of songs: that their file is one that somebody has uploaded, and is there."""
    return Q(uploaded_by__isnull=False, root__name=UPLOADS, missing_since=None) & ~Q(path="")


def uploaded_songs(user: User) -> QuerySet[Song]:
    """The songs that count for somebody."""
    return Song.objects.filter(uploaded(), uploaded_by=user)


def _limit(user: User, own: int | None, default: int) -> int | None:
    """The limit of one thing; None for none, which 0 stands for."""
    if own is None and user.is_staff:
        return None
    return (default if own is None else own) or None
