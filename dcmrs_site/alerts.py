"""Tells the admins what has stood still for long, once: by mail, or by a web hook.

Two processes look every minute, beat and the worker itself, so that either tells of the other. The database remembers
since when something is wrong, what has been told, and what is still to be told because mail server or web hook did
not answer: that is tried again every few minutes.
"""

from __future__ import annotations

import json
import logging
import urllib.request
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.utils import timezone

from catalog.models import Alert

from . import stalls

logger = logging.getLogger(__name__)

_HOOK_S = 10.0
_TRIED_EVERY = timedelta(minutes=5)


def look() -> list[str]:
    """Note what stands still, forget what is well again, and tell what has been wrong for `ALERT_MINUTES`.

    Returns
    -------
    list of str
        The sentences that were told by this call.
    """
    # That alerts do not arrive is told by health and at the dashboard; an alert of it would not arrive either.
    found = {stall.name: stall.sentence for stall in stalls.stalls() if stall.name != "outbox"}
    Alert.objects.exclude(name__in=found).delete()
    for name in found:
        Alert.objects.get_or_create(name=name, defaults={"since": timezone.now()})
    now = timezone.now()
    late = now - timedelta(minutes=settings.ALERT_MINUTES)
    for alert in Alert.objects.filter(since__lte=late, told_at=None):
        # The process that changes the row tells: another process may look at this very moment.
        Alert.objects.filter(pk=alert.pk, told_at=None).update(told_at=now, untold=_ways())
    mine = [
        alert
        for alert in Alert.objects.exclude(told_at=None).exclude(untold=[])
        if (alert.tried_at is None or now - alert.tried_at > _TRIED_EVERY)
        and Alert.objects.filter(pk=alert.pk, tried_at=alert.tried_at).update(tried_at=now)
    ]
    told: list[str] = []
    for way, send in _SENDERS.items():
        waiting = [alert for alert in mine if way in alert.untold]
        sentences = [found[alert.name] for alert in waiting]
        failure = send(sentences) if sentences else ""
        for alert in waiting:
            alert.untold = alert.untold if failure else [other for other in alert.untold if other != way]
            alert.failure = (failure or alert.failure)[:300] if alert.untold else ""
        if not failure:
            told += [sentence for sentence in sentences if sentence not in told]
    Alert.objects.bulk_update(mine, ["untold", "failure"])
    return told


def wanted() -> bool:
    """Whether anybody is to be told."""
    return bool(_ways())


def _ways() -> list[str]:
    return [way for way, address in (("mail", settings.ALERT_EMAIL), ("hook", settings.ALERT_URL)) if address]


def _mail(sentences: list[str]) -> str:
    """Send a mail; why it could not be sent, or nothing."""
    text = "\n".join([*sentences, "", "The admin's dashboard says more."])
    try:
        send_mail("DCMRS: something stands still", text, None, settings.ALERT_EMAIL)
    except OSError as error:
        logger.error("Nobody could be told by mail: %s", error)  # noqa: TRY400 (the reason says it all)
        return f"the mail server says {error}"
    return ""


def _hook(sentences: list[str]) -> str:
    """Call the web hook; why it could not be called, or nothing."""
    body = json.dumps({"text": "\n".join(sentences), "stalls": sentences}).encode()
    headers = {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(settings.ALERT_URL, body, headers)  # noqa: S310 (the owner's own address)
        urllib.request.urlopen(request, timeout=_HOOK_S).close()  # noqa: S310
    except (OSError, ValueError) as error:
        logger.error("Nobody could be told by the web hook: %s", error)  # noqa: TRY400
        return f"the web hook says {error}"
    return ""


_SENDERS: dict[str, Callable[[list[str]], str]] = {"mail": _mail, "hook": _hook}
