"""Making a backup while everything runs."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from django.contrib.auth.models import User
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from catalog.home import home
from catalog.models import Song
from catalog.version import version

from . import transfer
from .archive import DATABASE, HOME, Manifest, Writer

MADE_AGAIN = (
    "snapshots",
    "snapshot-copies",
    "snapshot-drafts",
    "static",
    "media/sound",
    "cache",
    "training",
    "mood-training",
    "run",
    "redis",
    "db.sqlite3",
    "db.sqlite3-wal",
    "db.sqlite3-shm",
    "db.sqlite3-journal",
    "uploads/.incoming",
)
"""What lies in `DCMRS_HOME` and is in no backup: it is made again by itself, or is in it in another form."""

SECRET_KEY = "secret_key"  # noqa: S105 (the name of a file)
_LOCKED_FOR_S = 60.0
REPLACED = "replaced-"
"""What a restore has moved out of the way begins with this, and is in no backup."""

_SECRETS = frozenset({"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "EMAIL_URL", "METRICS_TOKEN", "ALERT_URL"})
_SETTINGS = (
    *("DCMRS_HOME", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "HTTPS", "BEHIND_PROXY"),
    *("CSRF_TRUSTED_ORIGINS", "SIGNUP_OPEN", "UPLOAD_OPEN", "UPLOAD_QUOTA_MEGABYTES", "UPLOAD_QUOTA_SONGS"),
    *("UPLOAD_MAX_MEGABYTES", "UPLOAD_MAX_MINUTES", "LIBRARY_ROOTS", "STREAM_ACCEL_PREFIX", "RESCAN_MINUTES"),
    *("EMAIL_URL", "DEFAULT_FROM_EMAIL", "TIME_ZONE", "API_RATE_ANONYMOUS", "API_RATE_USER", "LOGIN_RATE"),
    *("PICTURE_RATE", "SIGNUP_RATE", "PASSWORD_RESET_RATE", "PASSWORD_RESET_MAIL_RATE", "CONN_MAX_AGE", "LOG_LEVEL"),
    *("SQLITE_SYNCHRONOUS", "BACKUP_FOLDER", "BACKUPS_KEPT", "METRICS_TOKEN", "LOG_FORMAT", "ACCESS_LOG"),
    *("ALERT_EMAIL", "ALERT_URL", "ALERT_MINUTES"),
)

Progress = Callable[[str, int, int], object]
"""Told the step, how much of it is done, and how much it is in all: bytes, or rows where nobody knows yet (0)."""


def no_progress(_step: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def make(path: Path, *, secrets: bool = False, progress: Progress = no_progress) -> Manifest:
    """Write a backup of everything that cannot be made again.

    The database is that of one moment; the files are read after it, so that what it names is there. Pages, workers and
    imports go on meanwhile.

    Parameters
    ----------
    path : Path
        Where nothing is yet.
    secrets : bool
        Whether the secret key and the values of all settings are in it too.
    progress : callable

    Raises
    ------
    OSError
        If it cannot be written. Nothing is left behind then.
    """
    writer = Writer(path)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            packed = _pack_database(Path(folder), progress)
            manifest = _about(secrets)
            files = list(_files(secrets))
            total = packed.stat().st_size + sum(size for _, size in files)
            done = packed.stat().st_size
            writer.add(DATABASE, packed)
            for file, size in files:
                progress("files", done, total)
                writer.add(f"{HOME}{file.relative_to(home())}", file)
                done += size
            progress("files", total, total)
        return writer.finish(manifest)
    except BaseException:
        writer.give_up()
        raise


def make_nightly(folder: Path, kept: int) -> Path:
    """Write the backup of this night into a folder, and delete the oldest ones beyond a number.

    Raises
    ------
    OSError
        If it cannot be written; the older ones stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"dcmrs-{timezone.localtime():%Y-%m-%d-%H%M%S}.tar"
    make(path)
    for old in nightly(folder)[kept:]:
        old.unlink(missing_ok=True)
    return path


def nightly(folder: Path) -> list[Path]:
    """The backups of the nights, the newest first."""
    return sorted(folder.glob("dcmrs-????-??-??-??????.tar"), reverse=True)


def last_made(folder: Path) -> datetime | None:
    """When the newest backup of a folder was finished; None where there is none."""
    found = nightly(folder)
    return datetime.fromtimestamp(found[0].stat().st_mtime, tz=timezone.get_current_timezone()) if found else None


def _pack_database(folder: Path, progress: Progress) -> Path:
    """The database of this moment as a compressed file of SQLite."""
    file, packed = folder / "database.sqlite3", folder / DATABASE
    if connection.vendor == "sqlite":
        progress("database", 0, 0)
        _back_up_sqlite(file)
    else:
        transfer.migrate_file(file)
        rows = 0

        def count(_table: str, more: int) -> None:
            nonlocal rows
            rows += more
            progress("database", rows, 0)

        with transfer.opened(transfer.sqlite_file(file)) as alias:
            transfer.copy(DEFAULT_DB_ALIAS, alias, count)
    with file.open("rb") as plain, gzip.open(packed, "wb", compresslevel=3) as zipped:
        shutil.copyfileobj(plain, zipped, 1 << 20)
    transfer.delete_file(file)
    return packed


def _back_up_sqlite(into: Path) -> None:
    """SQLite's own backup: of one moment, and no writer waits for it."""
    connection.ensure_connection()
    target = sqlite3.connect(into)
    end = time.monotonic() + _LOCKED_FOR_S

    def look_at_clock(status: int, _remaining: int, _total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > end:
            raise OSError("the database is locked")

    try:
        # In one step: between two, a writer would have it begin again.
        connection.connection.backup(target, pages=-1, progress=look_at_clock)
        target.execute("PRAGMA journal_mode=DELETE")
    finally:
        target.close()


def _about(secrets: bool) -> Manifest:
    return Manifest(
        version=version(),
        made_at=timezone.localtime().isoformat(timespec="seconds"),
        migrations=sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()),
        songs=Song.objects.count(),
        accounts=User.objects.filter(is_active=True).count(),
        settings={
            name: os.environ[name] if secrets or name not in _SECRETS else None
            for name in _SETTINGS
            if name in os.environ
        },
        secrets=secrets,
    )


def _files(secrets: bool) -> Iterator[tuple[Path, int]]:
    """The files of `DCMRS_HOME` that belong in a backup, with their sizes."""
    top = home()
    left_out = {top / name for name in (*MADE_AGAIN, *(() if secrets else (SECRET_KEY,)))}
    for folder, folders, names in os.walk(top):
        here = Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if here / name not in left_out and not (here == top and name.startswith((REPLACED, ".restore-")))
        )
        for name in sorted(names):
            path = here / name
            if path in left_out or path.is_symlink() or not path.is_file() or _is_backup(path):
                continue
            try:
                yield path, path.stat().st_size
            except FileNotFoundError:
                continue


def _is_backup(path: Path) -> bool:
    """Whether a file is a backup, finished or being written: backups of backups would grow without end."""
    return (path.name.startswith(("dcmrs-", ".dcmrs-")) and ".tar" in path.name) or path.name.startswith("secret_key.")
