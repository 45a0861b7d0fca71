"""Comparing a backup with what it says of itself, and restoring it: checked as a whole before anything is replaced."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from catalog.home import home
from catalog.models import ProcessSign, Song
from recommender.models import Snapshot, SnapshotBuild

from . import transfer
from .archive import DATABASE, HOME, DamagedBackupError, Manifest, entries, read_manifest
from .making import REPLACED, SECRET_KEY

Progress = Callable[[str, int, int], object]
"""Told the step, how much of it is done, and how much it is in all; 0 where nobody knows."""


class NotEmptyError(Exception):
    """There is something here already, and nobody has said that it may be replaced."""


def verify(path: Path, progress: Progress = lambda *_: None) -> Manifest:
    """Read all of a backup, and its database.

    Returns
    -------
    Manifest

    Raises
    ------
    OSError
        If it cannot be read.
    DamagedBackupError
        If anything in it is not as it was written, or its database is not sound.
    """
    with tempfile.TemporaryDirectory(prefix="dcmrs-verify-") as folder:
        manifest = _unpack(path, Path(folder), progress, only_database=True)
        _check_database(Path(folder) / "database.sqlite3")
    return manifest


def restore(path: Path, *, replace: bool = False, progress: Progress = lambda *_: None) -> tuple[Manifest, Path | None]:
    """Put what a backup holds in the place of what is here, whatever database either has.

    Everything is unpacked, compared and brought up to date beside what is here before anything of it is touched. What
    was here is moved into a folder of its own, but for the rows of a PostgreSQL, which are replaced in one transaction.

    Parameters
    ----------
    path : Path
    replace : bool
        Whether there may be songs or accounts here.
    progress : callable

    Returns
    -------
    manifest : Manifest
    replaced : Path or None
        Where what was here is now.

    Raises
    ------
    OSError
        If it cannot be read, or there is no room.
    DamagedBackupError
        If it is not whole, or of a newer version.
    NotEmptyError
        If something is here, and `replace` is not set.
    """
    _refuse_newer(read_manifest(path))
    if not replace and (found := _here()):
        raise NotEmptyError(found)
    home().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home(), prefix=".restore-") as name:
        folder = Path(name)
        manifest = _unpack(path, folder, progress)
        database = folder / "database.sqlite3"
        _check_database(database)
        progress("database", 0, 0)
        if _behind(manifest):
            transfer.migrate_file(database)
        with transfer.opened(transfer.sqlite_file(database)) as alias:
            _forget_what_is_made_again(alias, keep_sessions=manifest.secrets)
            if connection.vendor != "sqlite":
                rows = 0

                def count(_table: str, more: int) -> None:
                    nonlocal rows
                    rows += more
                    progress("database", rows, 0)

                transfer.copy(alias, DEFAULT_DB_ALIAS, count)
        new = folder / "home"
        new.mkdir(exist_ok=True)
        if connection.vendor == "sqlite":
            _fold_log(database)
            database.rename(new / Path(connection.settings_dict["NAME"]).name)
        else:
            transfer.delete_file(database)
        replaced = _switch(new)
    return manifest, replaced


def _here() -> str:
    """What would be replaced, in words; empty where there is nothing."""
    if not {Song._meta.db_table, User._meta.db_table} <= set(connection.introspection.table_names()):
        return ""
    songs, accounts = Song.objects.count(), User.objects.count()
    return f"{songs} songs and {accounts} accounts" if songs or accounts else ""


def _refuse_newer(manifest: Manifest) -> None:
    known = {f"{app}.{name}" for app, name in MigrationLoader(None, ignore_no_migrations=True).disk_migrations}
    ours = {app for app, _, _ in (name.partition(".") for name in known)}
    if unknown := {name for name in manifest.migrations if name.partition(".")[0] in ours} - known - _replaced():
        raise DamagedBackupError(
            f"it was made by DCMRS {manifest.version}, which has {min(unknown)}: install that version or a newer one"
        )


def _behind(manifest: Manifest) -> bool:
    """Whether this version has migrations that the database of a backup lacks."""
    known = {f"{app}.{name}" for app, name in MigrationLoader(None, ignore_no_migrations=True).disk_migrations}
    return not known <= set(manifest.migrations)


def _replaced() -> set[str]:
    """Migrations that others stand for now."""
    migrations = MigrationLoader(None, ignore_no_migrations=True).disk_migrations.values()
    return {f"{app}.{name}" for migration in migrations for app, name in migration.replaces}


def _unpack(path: Path, folder: Path, progress: Progress, *, only_database: bool = False) -> Manifest:
    """Compare every entry with its checksum, and write it into a folder."""
    manifest = read_manifest(path)
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress("files", done, manifest.bytes)

    packed = folder / DATABASE
    for name, blocks in entries(path, count):
        if name == DATABASE:
            target: Path | None = packed
        elif only_database:
            target = None
        elif name.startswith(HOME):
            target = folder / "home" / name.removeprefix(HOME)
        else:
            raise DamagedBackupError(f"{name!r} does not belong in it")
        if target is None:
            for _ in blocks:
                pass
            continue
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with target.open("wb") as file:
            for block in blocks:
                file.write(block)
    if not packed.exists():
        raise DamagedBackupError("there is no database in it")
    with gzip.open(packed) as zipped, (folder / "database.sqlite3").open("wb") as plain:
        shutil.copyfileobj(zipped, plain, 1 << 20)
    packed.unlink()
    return manifest


def _check_database(file: Path) -> None:
    try:
        with _connected(file) as database:
            (found,) = database.execute("PRAGMA integrity_check(1)").fetchone()
            orphan = database.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.DatabaseError as error:
        raise DamagedBackupError(f"its database is damaged: {error}") from error
    if found != "ok":
        raise DamagedBackupError(f"its database is damaged: {found}")
    if orphan is not None:
        raise DamagedBackupError(f"its database refers to what is not in it, in the table {orphan[0]}")


def _fold_log(file: Path) -> None:
    with _connected(file) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("PRAGMA journal_mode=DELETE")


@contextmanager
def _connected(file: Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(file)
    try:
        yield database
    finally:
        database.close()


def _forget_what_is_made_again(alias: str, *, keep_sessions: bool) -> None:
    """Rows whose files are in no backup, of processes that are not here, and sessions that another key has signed."""
    SnapshotBuild.objects.using(alias).all().delete()
    Snapshot.objects.using(alias).all().delete()
    ProcessSign.objects.using(alias).all().delete()
    if not keep_sessions:
        Session.objects.using(alias).all().delete()


def _switch(new: Path) -> Path | None:
    """Move what is here out of the way, and what was unpacked into its place; all on one disk, so in a moment."""
    connection.close()
    kept = {"run"} if (new / SECRET_KEY).exists() else {"run", SECRET_KEY}
    aside = home() / f"{REPLACED}{timezone.localtime():%Y-%m-%d-%H%M%S}"
    moved = False
    for found in list(home().iterdir()):
        if found.name in kept or found.name.startswith((REPLACED, ".restore-")) or _holds_backups(found):
            continue
        aside.mkdir(mode=0o700, exist_ok=True)
        found.rename(aside / found.name)
        moved = True
    for found in list(new.iterdir()):
        found.rename(home() / found.name)
    _sync(home())
    return aside if moved else None


def _holds_backups(path: Path) -> bool:
    """Whether something is a backup, or a folder of them: it stays where it is."""
    if path.is_dir():
        return any(path.glob("dcmrs-*.tar"))
    return path.name.startswith("dcmrs-") and path.suffix == ".tar"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
