"""`/metrics`: what there is and what waits, as Prometheus reads it, for clients with the token.

Everything is read from the database and from `DCMRS_HOME`, so that any web process answers for the whole site.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from catalog.models import LibraryRoot, Song
from catalog.services import signs
from catalog.version import version
from recommender.models import Snapshot
from tagging.services import queue_state

from . import disk, stalls


class Site(Collector):
    """The figures of this site at the moment they are asked for."""

    def collect(self) -> Iterator[Metric]:
        """Every figure."""
        yield _of("dcmrs_info", "The version that answers.", {("version",): {(version(),): 1}})
        progress = queue_state.progress()
        states: dict[tuple[str], float] = {("pending",): progress.pending, ("running",): progress.running}
        states |= {("done",): progress.done, ("failed",): progress.failed}
        yield _of("dcmrs_songs", "Songs with audio by their state of tagging.", {("state",): states})
        yield _one("dcmrs_songs_all", "All songs, those without audio too.", Song.objects.count())
        yield _one("dcmrs_tagging_songs_per_second", "Songs tagged a second, of late.", progress.songs_per_second)
        for kind in (signs.Kind.POOL, signs.Kind.BEAT):
            living = signs.living(kind)
            yield _one(f"dcmrs_{kind}_processes", f"Processes ({kind}) with a sign of life of late.", len(living))
            if (last := signs.last(kind)) is not None:
                age = (timezone.now() - last).total_seconds()
                yield _one(f"dcmrs_{kind}_last_sign_seconds", "Since the last sign of life.", age)
        full = Snapshot.objects.filter(kind=Snapshot.Kind.FULL, current=True).first()
        if full is not None:
            age = (timezone.now() - full.created_at).total_seconds()
            yield _one("dcmrs_snapshot_age_seconds", "Age of the full snapshot in use.", age)
            yield _one("dcmrs_snapshot_build_seconds", "How long it took to build.", full.seconds)
        scanned = {
            (root.name,): (timezone.now() - root.scanned_at).total_seconds()
            for root in LibraryRoot.objects.exclude(scanned_at=None)
            if root.scanned_at is not None
        }
        yield _of("dcmrs_scan_age_seconds", "Since a root was looked through.", {("root",): scanned})
        room = disk.room()
        yield _one("dcmrs_disk_free_bytes", "Free on the disk of DCMRS_HOME.", room.free)
        yield _one("dcmrs_disk_total_bytes", "Size of the disk of DCMRS_HOME.", room.total)
        found = {(stall.name,): 1.0 for stall in stalls.latest.look()}
        yield _of("dcmrs_stalled", "What stands still, 1 each.", {("what",): found})


def _one(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=value)


def _of(name: str, what: str, by: dict[tuple[str], dict[tuple[str], float]]) -> Metric:
    ((labels, values),) = by.items()
    metric = GaugeMetricFamily(name, what, labels=labels)
    for value_of, value in values.items():
        metric.add_metric(value_of, value)
    return metric


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, for requests with `Authorization: Bearer` and the token that is set; without one there are none."""
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token or not hmac.compare_digest(given.encode(errors="replace"), token.encode()):
        return HttpResponse("Not found.", status=404, content_type="text/plain")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Site())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
