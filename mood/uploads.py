"""Receiving a picture without writing it anywhere: into memory, and no further than it may be long."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from io import BytesIO
from typing import Any, TypeAlias

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from accounts.http import ListenerRequest

from .picture import MAX_BYTES

View: TypeAlias = Callable[..., HttpResponse]

# What surrounds the file in a form.
_OTHER_PARTS_BYTES = 100_000


class PictureInMemory(FileUploadHandler):
    """Keeps the first file of a form in memory, whatever its size, and passes over all others.

    Django's own handlers write what is larger than some megabytes to the disk. How long the file may be is checked
    before it is read, by the length of the whole request (`too_long`).
    """

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self._taken = False
        self._file: BytesIO | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Take the first file of the form, and no other."""
        super().new_file(*args, **kwargs)
        if self._taken:
            raise SkipFile
        self._taken = True
        self._file = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:  # noqa: ARG002
        """Keep a chunk in memory; hand it on where the file is not taken."""
        if self._file is None:
            return raw_data
        self._file.write(raw_data)
        return None

    def file_complete(self, file_size: int) -> InMemoryUploadedFile | None:
        """Return the file in memory, or None where it was not taken."""
        if self._file is None:
            return None
        file, self._file = self._file, None
        file.seek(0)
        return InMemoryUploadedFile(
            file=file,
            field_name=self.field_name,
            name=self.file_name or "",
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )


def too_long(request: HttpRequest) -> bool:
    """Whether a request says that it is longer than the largest picture in its form."""
    return int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES + _OTHER_PARTS_BYTES


def picture_in_memory(too_large: Callable[[ListenerRequest], HttpResponse]) -> Callable[[View], View]:
    """For views that take a picture in a form: it stays in memory, and a request that is too long is never read.

    The token against forged requests is looked for in the form, and reading the form reads the picture: so first the
    length, then where the picture goes, then the token.

    Parameters
    ----------
    too_large : callable
        The answer to a request that is too long.
    """

    def decorate(view: View) -> View:
        protected = csrf_protect(view)

        @csrf_exempt
        @wraps(view)
        def receive(request: ListenerRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if too_long(request):
                return too_large(request)
            request.upload_handlers = [PictureInMemory(request)]
            return protected(request, *args, **kwargs)

        return receive

    return decorate
