"""Storages that fail as disks do."""

from __future__ import annotations

import errno
import os
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage


class FullDisk(FileSystemStorage):
    """A disk without room for some files.

    Parameters
    ----------
    full_for : str
        What is in the names of these files; with an empty one there is room for none.
    **options
        As of `FileSystemStorage`.
    """

    def __init__(self, *, full_for: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.full_for = full_for

    def _save(self, name: str, content: File[Any]) -> str:
        if self.full_for in name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        stored: str = super()._save(name, content)  # type: ignore[misc]
        return stored
