"""Songs that people upload: refused with a reason, or stored in a root of their own and brought in like any other."""

from __future__ import annotations

import re
import unicodedata
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from ..audio_frames import UnreadableAudio
from ..importing.identity import Found
from ..importing.limited_reading import probe_file
from ..importing.roots import uploads_root
from ..importing.walking import AUDIO_SUFFIXES
from ..models import DuplicateFile, LibraryRoot, Song
from .quotas import Quota, quota_of
from .song_files import import_file

_UNSAFE = re.compile(r"[^\w .,;&'()\[\]!+=@#-]+")
_LONGEST_STEM_BYTES = 150
_ABANDONED = timedelta(days=1)


class UploadRefused(Exception):
    """An upload is not taken; the message says why, for the person who sent it.

    Attributes
    ----------
    too_large : bool
        Whether it was its size or its length.
    full : bool
        Whether this person may upload no more, however small.
    """

    def __init__(self, message: str, *, too_large: bool = False, full: bool = False) -> None:
        super().__init__(message)
        self.too_large = too_large
        self.full = full


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that was taken.

    Attributes
    ----------
    song : Song
    new : bool
        Whether its recording was not there already.
    """

    song: Song
    new: bool


def size_limit() -> int:
    """Bytes that one uploaded file may have."""
    return int(settings.UPLOAD_MAX_MEGABYTES) * 1_000_000


def save_upload(file: UploadedFile[Any], user: User) -> Upload:
    """Store an uploaded file among the uploads, and bring it in. Of a file that is refused nothing is left.

    Raises
    ------
    UploadRefused
        If it is too large, too long, no audio, or not all of a file, or more than this person may upload.
    """
    quota = quota_of(user)
    refuse_if_full(quota)
    name = Path(file.name or "").name
    if Path(name).suffix.lower() not in AUDIO_SUFFIXES:
        raise UploadRefused("not the name of an audio file: mp3, ogg, opus, flac, m4a, wav and aiff are taken")
    root = uploads_root()
    draft = _draft(root, Path(name).suffix.lower())
    try:
        _receive(file, draft, quota)
        _check(draft)
        path = _settle(draft, root.folder, name)
    finally:
        draft.unlink(missing_ok=True)
    try:
        song, found = import_file(root, path.name, uploaded_by=user, admit=partial(_admit, user))
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, UnreadableAudio):
            raise UploadRefused(str(error)) from error
        raise
    if found is Found.DUPLICATE:
        path.unlink(missing_ok=True)
        DuplicateFile.objects.filter(root=root, path=path.name).delete()
    return Upload(song, new=found is not Found.DUPLICATE)


def refuse_if_full(quota: Quota) -> None:
    """Raise UploadRefused where nothing more may be uploaded."""
    if quota.full:
        raise UploadRefused(quota.why_full, full=True)


def _admit(user: User, found: Found) -> None:
    """Refuse a song that is stored, but not committed yet, where it is one too many.

    Songs are stored one at a time: of two that were both let in because there was room for one, the second is not
    stored.
    """
    if found is Found.DUPLICATE:
        return
    quota = quota_of(user)
    if quota.exceeded:
        raise UploadRefused(f"more than you may upload. {quota.why_full}", full=True)


def _draft(root: LibraryRoot, suffix: str) -> Path:
    """A file that no scan looks at; what a killed server left of such files is cleared away."""
    folder = root.folder / ".incoming"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        with suppress(FileNotFoundError):
            if old.stat().st_mtime < (timezone.now() - _ABANDONED).timestamp():
                old.unlink()
    return folder / f"{uuid.uuid4().hex}{suffix}"


def _receive(file: UploadedFile[Any], draft: Path, quota: Quota) -> None:
    received, limit, left = 0, size_limit(), quota.left_bytes
    with draft.open("xb") as out:
        for chunk in file.chunks():
            received += len(chunk)
            if left is not None and received > left:
                raise UploadRefused(quota.why_too_large, too_large=True)
            if received > limit:
                raise UploadRefused(
                    f"larger than {settings.UPLOAD_MAX_MEGABYTES} MB, the most that is taken here", too_large=True
                )
            out.write(chunk)


def _check(draft: Path) -> None:
    try:
        sound = probe_file(draft)
    except UnreadableAudio as error:
        raise UploadRefused(str(error)) from error
    if sound.is_cut_off:
        # In the library it is heard as far as it goes; its sender can send the whole of it.
        raise UploadRefused("cut off before its end")
    if sound.duration_s > settings.UPLOAD_MAX_MINUTES * 60:
        raise UploadRefused(
            f"{sound.duration_s / 60:.0f} minutes long, and {settings.UPLOAD_MAX_MINUTES} are the most taken here",
            too_large=True,
        )


def _settle(draft: Path, folder: Path, name: str) -> Path:
    """Give an upload a name of its own, as like as may be to the one it came with."""
    suffix = Path(name).suffix.lower()
    stem = _UNSAFE.sub("_", unicodedata.normalize("NFC", Path(name).stem)).strip(" ._-") or "song"
    stem = stem.encode()[:_LONGEST_STEM_BYTES].decode(errors="ignore")
    number = 1
    while True:
        path = folder / (f"{stem}{suffix}" if number == 1 else f"{stem} ({number}){suffix}")
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return draft.replace(path)
