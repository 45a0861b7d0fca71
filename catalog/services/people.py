"""Who listens here, and how much."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.contrib.auth.models import User
from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from ..models import Listener, Play

DAYS = 30
"""How many days of plays are looked at together, today among them."""

_ACTIVE_DAYS = 7
# What an import brings was not played here.
_HERE = "player"


@dataclass(frozen=True, slots=True)
class People:
    """Who listens here.

    Attributes
    ----------
    accounts : int
        People who can log in.
    active : int
        Those of them who played something in the last seven days.
    others : int
        Listeners who came with an import, or are simulated.
    plays : dict of date to int
        Songs played here to their half or longer, on each of the last thirty days, oldest first.
    """

    accounts: int
    active: int
    others: int
    plays: dict[date, int]


def accounts() -> QuerySet[User]:
    """The people with an account: who came with an import, or is simulated, has none."""
    return User.objects.exclude(listener__origin__in=(Listener.Origin.IMPORTED, Listener.Origin.SIMULATED))


def people() -> People:
    """Who listens here, and how much lately."""
    played = Play.objects.filter(origin=_HERE)
    since = timezone.now() - timedelta(days=_ACTIVE_DAYS)
    return People(
        accounts=accounts().filter(is_active=True).count(),
        active=played.filter(played_at__gte=since, user__in=accounts()).order_by().values("user").distinct().count(),
        others=Listener.objects.exclude(origin=Listener.Origin.PERSON).count(),
        plays=_plays_a_day(played.filter(skipped=False)),
    )


def _plays_a_day(played: QuerySet[Play]) -> dict[date, int]:
    today = timezone.localdate()
    days = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    begin = timezone.make_aware(datetime.combine(days[0], time.min))
    rows = played.filter(played_at__gte=begin).order_by().annotate(day=TruncDate("played_at")).values_list("day")
    counted = dict(rows.annotate(Count("pk")))
    return {day: counted.get(day, 0) for day in days}
