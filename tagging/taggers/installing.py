"""How published weights come here: whole and as published, or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import closing
from http.client import HTTPException
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from catalog.home import models_dir
from tagging.networks.descriptions import PublishedTagger, TaggerError, Unreachable

from .atomic_write import atomic_write
from .packages import converted, download_package, is_package

TIMEOUT_S = 30.0
"""How long a download may say nothing."""

_CHUNK = 1 << 16


def as_published(file: Path, tagger: PublishedTagger) -> bool:
    """Whether a file holds a tagger's weights, by their checksum."""
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == tagger.sha256
    except OSError:
        return False


def recognised(folder: Path, candidates: Iterable[PublishedTagger]) -> dict[str, Path]:
    """The files in a folder that are the weights of one of the candidates, by the tagger's name.

    Raises
    ------
    TaggerError
        If the folder cannot be read.
    """
    try:
        files = sorted(file for file in folder.iterdir() if file.is_file())
    except OSError as error:
        raise TaggerError(f"{folder}: {error.strerror or error}") from error
    return {tagger.name: file for tagger in candidates for file in files if _holds(file, tagger)}


def _holds(file: Path, tagger: PublishedTagger) -> bool:
    """Whether a file is a tagger's weights, or the package that they are in."""
    if file.stat().st_size == tagger.bytes and as_published(file, tagger):
        return True
    return tagger.package is not None and is_package(file, tagger.package)


def copy(tagger: PublishedTagger, path: Path) -> Path:
    """Put weights that lie in a file where they are found; where that is.

    Raises
    ------
    TaggerError
        If the file cannot be read, or holds something else.
    """
    try:
        if tagger.package is not None and is_package(path, tagger.package):
            return _store(tagger, BytesIO(converted(path, tagger.package)), str(path))
        with path.open("rb") as weights:
            return _store(tagger, weights, str(path))
    except OSError as error:
        # A full disk names no file.
        raise TaggerError(f"{error.filename or models_dir()}: {error.strerror or error}") from error


def download(tagger: PublishedTagger) -> Path:
    """Fetch weights from their authors; where they are now.

    Raises
    ------
    TaggerError
        If they cannot be had, or are not the published ones.
    """
    offline = f"manage.py taggers install {tagger.name} --from FILE takes them from a file"
    if tagger.package is not None:
        with TemporaryDirectory(prefix="dcmrs-package-") as folder:
            try:
                return copy(tagger, download_package(tagger.package, Path(folder)))
            except Unreachable as error:
                raise Unreachable(f"{error}; {offline}") from error
    host = urlsplit(tagger.address).hostname
    try:
        with closing(build_opener(_StayWithHttps).open(tagger.address, timeout=TIMEOUT_S)) as answer:
            return _store(tagger, answer, tagger.address)
    except HTTPError as error:
        raise TaggerError(f"{host} answers {error.code} {error.reason} for {tagger.address}; {offline}") from error
    except URLError as error:
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise Unreachable(f"{host} cannot be reached ({reason}); {offline}") from error
    except (TimeoutError, ConnectionError, HTTPException) as error:
        raise TaggerError(f"the connection to {host} broke off ({error or type(error).__name__}); {offline}") from error
    except OSError as error:
        raise TaggerError(f"{error.filename or models_dir()}: {error.strerror or error}") from error


class _StayWithHttps(HTTPRedirectHandler):
    """Follows redirections, but never from HTTPS to anything less."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> Request | None:
        if urlsplit(req.full_url).scheme == "https" != urlsplit(newurl).scheme:
            raise TaggerError(f"{urlsplit(req.full_url).hostname} sends on to an address without HTTPS")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _store(tagger: PublishedTagger, source: IO[bytes], origin: str) -> Path:
    """Copy weights to their place, complete and verified before they have their name there."""
    destination = models_dir() / tagger.file_name
    digest, size = hashlib.sha256(), 0
    with atomic_write(destination) as draft:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > tagger.bytes:
                raise TaggerError(f"{origin} is not {tagger.name}: larger than {tagger.bytes} bytes")
            digest.update(chunk)
            draft.write(chunk)
        if size < tagger.bytes:
            raise TaggerError(f"{origin} is cut off: {size} of the {tagger.bytes} bytes of {tagger.name}")
        if digest.hexdigest() != tagger.sha256:
            raise TaggerError(f"{origin} is not {tagger.name}: its checksum is wrong")
    return destination
