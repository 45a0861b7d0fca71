"""Backups: whole or named as not, and restored into another home as what they were made of."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.backends.base.base import NO_DB_ALIAS
from pytest_django import Settings

from catalog.home import PROJECT_ROOT
from catalog.models import Rating, Song
from dcmrs_site import tasks
from dcmrs_site.backup import making, restoring, transfer
from dcmrs_site.backup.archive import DamagedBackupError, read_manifest
from tests.factories import make_plays, make_song, make_user

# SQLite backs up no database that the same connection is writing to. On another database, rows are copied over a second
# connection, which Django's tests refuse.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A used home of its own, with what belongs in a backup and what does not."""
    home = tmp_path / "home"
    monkeypatch.setenv("DCMRS_HOME", str(home))
    for name in ("uploads/a.ogg", "media/covers/a.jpg", "models/own.safetensors", "secret_key"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(f"the content of {name}")
    for name in making.MADE_AGAIN:
        (home / name).mkdir(parents=True, exist_ok=True)
        (home / name / "file").write_text("made again")
    return home


@pytest.fixture
def used(home: Path) -> User:
    ada = make_user("ada")
    song = make_song("Blue in Green", "Miles Davis", labels={"jazz": 0.75})
    Rating.objects.create(user=ada, song=song, stars=5)
    make_plays(ada, song, 3)
    return ada


@pytest.fixture
def backup(used: User, tmp_path: Path) -> Path:
    path = tmp_path / "backup.tar"
    making.make(path)
    return path


def names(path: Path) -> set[str]:
    with tarfile.open(path) as tar:
        return set(tar.getnames())


def test_a_backup_holds_what_cannot_be_made_again_and_no_secret(backup: Path) -> None:
    assert names(backup) == {
        "database.sqlite3.gz",
        "home/uploads/a.ogg",
        "home/media/covers/a.jpg",
        "home/models/own.safetensors",
        "manifest.json",
    }
    assert backup.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in backup.parent.iterdir() if path.name.startswith(".")] == []


def test_settings_are_named_and_their_secrets_only_on_request(
    used: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp://me:hunter2@mail:25")
    monkeypatch.setenv("TIME_ZONE", "Europe/Berlin")
    making.make(tmp_path / "open.tar")
    settings = read_manifest(tmp_path / "open.tar").settings
    assert settings["EMAIL_URL"] is None
    assert settings["TIME_ZONE"] == "Europe/Berlin"
    assert b"hunter2" not in (tmp_path / "open.tar").read_bytes()
    making.make(tmp_path / "secret.tar", secrets=True)
    assert read_manifest(tmp_path / "secret.tar").settings["EMAIL_URL"] == "smtp://me:hunter2@mail:25"
    assert "home/secret_key" in names(tmp_path / "secret.tar")


def test_a_backup_is_never_written_over_anything(backup: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(CommandError, match="is there already"):
        call_command("backup", str(backup))
    assert backup.read_bytes() == before


def test_without_room_nothing_is_left_behind(used: User, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written: No such file"):
        call_command("backup", str(tmp_path / "nowhere" / "b.tar"))
    (tmp_path / "home" / "uploads" / "b.ogg").symlink_to("/dev/full")
    (tmp_path / "home" / "uploads" / "c.ogg").write_bytes(b"x")
    (tmp_path / "home" / "uploads" / "c.ogg").chmod(0)
    if os.getuid():
        with pytest.raises(CommandError, match="Permission denied"):
            call_command("backup", str(tmp_path / "b.tar"))
        assert not list(tmp_path.glob("*b.tar*"))


def test_verify_says_whether_a_backup_is_whole(backup: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify", str(backup))
    assert "is whole: made" in capsys.readouterr().out
    whole = backup.read_bytes()
    at = whole.index(b"the content of uploads")
    for damaged in (
        whole[: len(whole) // 2],
        whole[:at] + b"X" + whole[at + 1 :],
        whole[:512] + bytes(len(whole) - 512),
        b"no tar",
        b"",
    ):
        backup.write_bytes(damaged)
        with pytest.raises(CommandError, match="is not whole"):
            call_command("verify", str(backup))


def test_what_does_not_belong_in_a_backup_is_not_unpacked(backup: Path, tmp_path: Path) -> None:
    with tarfile.open(backup, "a") as tar:
        entry = tarfile.TarInfo("../../outside")
        entry.size = 4
        tar.addfile(entry, io.BytesIO(b"evil"))
    with pytest.raises(DamagedBackupError, match="does not belong"):
        restoring.verify(backup)


def test_a_backup_of_a_newer_version_is_refused_by_the_version_to_install(backup: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer.tar"
    with tarfile.open(backup) as old, tarfile.open(newer, "w") as tar:
        for entry in old:
            file = old.extractfile(entry)
            assert file is not None
            content = file.read()
            if entry.name == "manifest.json":
                manifest = json.loads(content)
                manifest["version"] = "9.8.7"
                manifest["migrations"].append("catalog.9999_from_the_future")
                content = json.dumps(manifest).encode()
                entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    with pytest.raises(DamagedBackupError, match=r"DCMRS 9\.8\.7.*install that version"):
        restoring.restore(newer, replace=True)


def test_what_is_here_is_not_replaced_unasked(backup: Path) -> None:
    with pytest.raises(restoring.NotEmptyError, match="1 songs and 1 accounts"):
        restoring.restore(backup)


def test_a_night_keeps_a_number_of_backups(used: User, tmp_path: Path, settings: Settings) -> None:
    settings.BACKUP_FOLDER, settings.BACKUPS_KEPT = str(tmp_path / "nights"), 2
    for old in ("2026-01-01-040000", "2026-01-02-040000"):
        (tmp_path / "nights").mkdir(exist_ok=True)
        (tmp_path / "nights" / f"dcmrs-{old}.tar").touch()
    (tmp_path / "nights" / "mine.tar").touch()
    tasks.back_up()
    kept = sorted(path.name for path in (tmp_path / "nights").iterdir())
    assert kept[:1] == ["dcmrs-2026-01-02-040000.tar"]
    assert len(kept) == 3
    assert "mine.tar" in kept


@pytest.mark.one_database
def test_every_row_is_copied_as_it_is(used: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The only name of a database under which Django's tests let another one be opened.
    monkeypatch.setattr(transfer, "ALIAS", NO_DB_ALIAS)
    file = tmp_path / "other.sqlite3"
    with sqlite3.connect(file) as other:
        connection.ensure_connection()
        connection.connection.backup(other)
    with transfer.opened(transfer.sqlite_file(file)) as alias:
        Song.objects.using(alias).update(title="Another")
        make_song("Newer")
        copied = transfer.copy("default", alias)
        assert copied > 10
        for model in transfer.models():
            rows = list(model._base_manager.order_by("pk").values())
            assert list(model._base_manager.using(alias).order_by("pk").values()) == rows, model
        # Sequences go on behind the rows.
        assert Song.objects.using(alias).create(title="Next").pk > Song.objects.latest("pk").pk


@pytest.mark.one_database
def test_a_backup_is_restored_into_another_home(backup: Path, tmp_path: Path) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("restores into a file of SQLite")
    other = tmp_path / "another home"
    other.mkdir()
    (other / "old").write_text("what was here")
    environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL")}
    environment |= {"DCMRS_HOME": str(other), "DJANGO_SETTINGS_MODULE": "dcmrs_site.settings", "SECRET_KEY": "x"}
    command = [sys.executable, "manage.py", "restore", str(backup)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Restored: 1 songs, 1 accounts" in done.stdout
    assert (other / "uploads" / "a.ogg").read_text() == "the content of uploads/a.ogg"
    assert not (other / "secret_key").exists()
    (aside,) = other.glob("replaced-*")
    assert (aside / "old").read_text() == "what was here"
    with sqlite3.connect(other / "db.sqlite3") as restored:
        assert restored.execute("SELECT title FROM catalog_song").fetchall() == [("Blue in Green",)]
        assert restored.execute("SELECT stars FROM catalog_rating").fetchall() == [(5,)]
        assert restored.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.one_database
def test_rows_that_dumpdata_wrote_are_loaded_again(used: User, tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    call_command("dumpdata", "--output", str(file), verbosity=0)
    before = {model: sorted(model._base_manager.values_list("pk", flat=True)) for model in transfer.models()}
    # Content types and permissions would be made again, under other numbers.
    call_command("flush", interactive=False, verbosity=0, inhibit_post_migrate=True)
    assert not Song.objects.exists()
    call_command("loaddata", str(file), verbosity=0)
    assert {model: sorted(model._base_manager.values_list("pk", flat=True)) for model in before} == before
    assert Song.objects.get().title == "Blue in Green"
