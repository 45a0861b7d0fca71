"""What songs leave on the disk goes with them, and nothing that another still needs."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from catalog.importing.roots import uploads_root
from catalog.models import DuplicateFile, Song
from catalog.services import sound_pictures
from catalog.services.song_merging import merge_songs, unmerge_song
from catalog.services.sound_pictures import version_of
from catalog.tasks import clean_up_media, rescan
from tests.audio import write_tone
from tests.factories import make_root, make_song

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    """The storage of this test."""
    files = "django.core.files.storage.FileSystemStorage"
    folder = tmp_path / "media"
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": files, "OPTIONS": {"location": folder}}}
    return folder


def drawn(song: Song) -> Song:
    """A song with its pictures."""
    for suffix in ("png", "json"):
        sound_pictures._keep(sound_pictures._name(song, suffix), b"{}")
    return song


def covered(name: str, **fields: Any) -> Song:
    """A song with a cover that is called so."""
    song = make_song(cover=f"covers/{name}.jpg", **fields)
    file = Path(song.cover.path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"jpeg")
    return song


def left(media: Path) -> list[str]:
    return sorted(path.name for path in media.rglob("*") if path.is_file())


def age(media: Path, days: float) -> None:
    """Make every file so old."""
    moment = (timezone.now() - timedelta(days=days)).timestamp()
    for path in media.rglob("*"):
        os.utime(path, (moment, moment))


def test_pictures_go_with_their_song(client: Client, listener: User, tmp_path: Path, media: Path) -> None:
    root = make_root(tmp_path / "music")
    write_tone(tmp_path / "music" / "a.ogg")
    song, other = (drawn(covered(name, root=root, path=f"{name}.ogg", content_hash=name)) for name in "ab")
    address = song.get_absolute_url()
    song.delete()
    assert left(media) == sorted([f"{version_of(other)}.json", f"{version_of(other)}.png", "b.jpg"])
    for page in ("waveform", "spectrogram", "cover", ""):
        assert client.get(f"{address}{page}").status_code == 404
    assert (tmp_path / "music" / "a.ogg").exists()


def test_what_two_songs_share_goes_with_the_second(media: Path) -> None:
    root = make_root()
    first, second = (drawn(covered("album", root=root, path=f"{n}.ogg", content_hash="same")) for n in range(2))
    first.delete()
    assert len(left(media)) == 3
    second.delete()
    assert left(media) == []


def test_many_songs_deleted_at_once_leave_nothing(media: Path) -> None:
    root = make_root()
    for n in range(30):
        drawn(covered(f"{n}", root=root, path=f"{n}.ogg", content_hash=f"{n}"))
    Song.objects.all().delete()
    assert left(media) == []


def test_what_is_not_deleted_after_all_keeps_its_pictures(media: Path) -> None:
    song = drawn(covered("a", root=make_root(), path="a.ogg", content_hash="a"))
    with transaction.atomic():
        Song.objects.get(pk=song.pk).delete()
        transaction.set_rollback(True)
    make_song().delete()
    assert len(left(media)) == 3
    Song.objects.get(pk=song.pk).delete()
    assert left(media) == []


def test_a_merged_song_has_its_cover_when_it_is_unmerged(media: Path) -> None:
    part, whole = covered("part"), make_song("Whole")
    merge_songs([part], whole)
    age(media, 3)
    clean_up_media()
    assert left(media) == ["part.jpg"]
    unmerge_song(whole.merged.get())
    clean_up_media()
    assert left(media) == ["part.jpg"]


def test_an_uploaded_file_goes_with_its_song_and_does_not_come_back(tmp_path: Path) -> None:
    root = uploads_root()
    path = root.folder / "uploaded-tone.ogg"
    write_tone(path)
    rescan()
    song = Song.objects.get(path=path.name)
    song.delete()
    assert not path.exists()
    rescan()
    assert not Song.objects.filter(path=path.name).exists()


def test_an_uploaded_file_that_a_song_still_has_stays(tmp_path: Path) -> None:
    root = uploads_root()
    path = root.folder / "still-a-copy.ogg"
    path.write_bytes(b"x")
    song, other = make_song(root=root, path=path.name), make_song()
    DuplicateFile.objects.create(song=other, root=root, path=path.name, size=1, mtime_ns=1)
    song.delete()
    assert path.exists()
    path.unlink()


def test_the_nightly_sweep_clears_away_what_was_missed_and_is_settled(media: Path) -> None:
    song = drawn(covered("a", root=make_root(), path="a.ogg", content_hash="a"))
    gone = drawn(covered("gone", root=make_root(), path="b.ogg", content_hash="b"))
    Song.objects.filter(pk=gone.pk)._raw_delete("default")
    age(media, 0.5)
    clean_up_media()
    assert len(left(media)) == 6
    age(media, 2)
    (media / "sound" / "zz").mkdir()
    (media / "covers" / "new.jpg").write_bytes(b"jpeg")
    clean_up_media()
    assert left(media) == sorted([f"{version_of(song)}.json", f"{version_of(song)}.png", "a.jpg", "new.jpg"])


def test_a_site_without_pictures_is_swept_too(media: Path) -> None:
    clean_up_media()
    assert left(media) == []
