"""How much of what they may upload people have uploaded."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from accounts.services.allowances import upload_limits

from ..importing.roots import UPLOADS
from ..models import Song
from ..quantities import count, size

_ASK_FOR_MORE = "Whoever runs this server can give you more."


@dataclass(frozen=True, slots=True)
class Quota:
    """How much an account has uploaded, and how much it may.

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
        """The refusal when the allowance is used up."""
        if self.left_songs == 0 and self.most_songs is not None:
            used, most = count(self.used_songs, "song"), f"{self.most_songs:,}"
            return f"You have uploaded {used}, and {most} are the most. {_ASK_FOR_MORE}"
        used, most = size(self.used_bytes), size(self.most_bytes or 0)
        return f"Your songs take {used} here, and {most} are the most. {_ASK_FOR_MORE}"

    @property
    def why_too_large(self) -> str:
        """What to tell of a file that is larger than what is left."""
        return f"larger than the {size(self.left_bytes or 0)} that are left of your {size(self.most_bytes or 0)}"


def quota_of(user: User) -> Quota:
    """How much an account has uploaded by now, and how much it may.

    What counts are the songs whose file lies among the uploads. Staff has no limit but one that an admin has set.
    """
    most = upload_limits(user)
    used = uploaded_songs(user).aggregate(bytes=Coalesce(Sum("size"), 0), songs=Count("pk"))
    return Quota(used["bytes"], used["songs"], most_bytes=most.bytes, most_songs=most.songs)


def uploaded() -> Q:
    """Condition for songs: the file was uploaded, and is there."""
    return Q(uploaded_by__isnull=False, root__name=UPLOADS, missing_since=None) & ~Q(path="")


def uploaded_songs(user: User) -> QuerySet[Song]:
    """The songs that count against an account's allowance."""
    return Song.objects.filter(uploaded(), uploaded_by=user)
