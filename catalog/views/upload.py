"""The page to upload songs."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from accounts.http import ListenerRequest
from accounts.services.allowances import may_upload

from ..importing.walking import AUDIO_SUFFIXES
from ..services.quotas import Quota, quota_of
from ..services.uploads import UploadRefused, save_upload, size_limit

# An album at once; more than this is not even read.
_FILES_AT_ONCE = 30


class _Limits(FileUploadHandler):
    """Reads no file further than it may be long, and all of them no further than there is room left.

    So what is too large never reaches the disk.
    """

    def __init__(self, request: HttpRequest, quota: Quota) -> None:
        super().__init__(request)
        self.quota = quota
        self.received = 0
        self.refused: list[tuple[str, str]] = []

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.received += len(raw_data)
        left = self.quota.left_bytes
        if start + len(raw_data) > size_limit():
            self._refuse(
                f"larger than {settings.UPLOAD_MAX_MEGABYTES} MB, the most that is taken here", start, raw_data
            )
        if left is not None and self.received > left:
            self._refuse(self.quota.why_too_large, start, raw_data)
        return raw_data

    def _refuse(self, why: str, start: int, raw_data: bytes) -> NoReturn:
        self.received -= start + len(raw_data)
        self.refused.append((self.file_name or "", why))
        raise SkipFile

    def file_complete(self, _file_size: int) -> None:
        return None


# The token is looked for in the form, and reading the form reads the files: first the limit, then the token.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: ListenerRequest) -> HttpResponse:
    """The form, and what became of the files that were sent."""
    if not may_upload(request.user):
        raise PermissionDenied("Uploading is for the staff of this server.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > _FILES_AT_ONCE * size_limit():
        context = {"reason": f"At most {_FILES_AT_ONCE} files of {settings.UPLOAD_MAX_MEGABYTES} MB at once."}
        return render(request, "413.html", context, status=413)
    quota = quota_of(request.user)
    if request.method == "POST" and quota.full:
        return _page(request, 403)
    limits = _Limits(request, quota)
    request.upload_handlers.insert(0, limits)
    return _upload(request, limits)


@csrf_protect
def _upload(request: ListenerRequest, limits: _Limits) -> HttpResponse:
    if request.method != "POST":
        return _page(request)
    taken, refused, too_large, full = [], [], False, False
    for file in request.FILES.getlist("files"):
        try:
            taken.append(save_upload(file, request.user))
        except UploadRefused as error:
            refused.append((file.name, str(error)))
            too_large |= error.too_large
            full |= error.full
    if limits.refused:
        refused += limits.refused
        too_large = True
    if not taken and not refused:
        refused.append(("Nothing was sent", "choose a file first"))
    status = 200 if taken else 413 if too_large else 403 if full else 400
    return _page(request, status, taken=taken, refused=refused)


def _page(request: ListenerRequest, status: int = 200, **outcome: Any) -> HttpResponse:
    context = {
        "page": "upload",
        "megabytes": settings.UPLOAD_MAX_MEGABYTES,
        "minutes": settings.UPLOAD_MAX_MINUTES,
        "quota": quota_of(request.user),
        "accepted": ",".join(["audio/*", *sorted(AUDIO_SUFFIXES)]),
        **outcome,
    }
    return render(request, "catalog/upload.html", context, status=status)
