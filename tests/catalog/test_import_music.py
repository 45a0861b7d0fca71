"""Bringing music in: what a file becomes, and which song it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from pytest_django import DjangoCaptureOnCommitCallbacks

from catalog.models import Song, SongLabel
from catalog.signals import tagging_needed
from tests.audio import add_picture, picture, tag, write_long_silence, write_tone
from tests.factories import make_song
from tests.imports import figures, import_music, only_song

pytestmark = pytest.mark.django_db


# --- What a file becomes --------------------------------------------------------------------------


def test_a_tagged_file_becomes_a_song_with_what_its_tags_say(music: Path) -> None:
    path = write_tone(music / "x" / "y.flac", seconds=3)
    tag(
        path,
        title="Vibe Ace",
        artist="Kevin MacLeod",
        album="Jazz Sampler",
        albumartist="Various",
        tracknumber="3/12",
        discnumber="2",
        date="2011-07-19",
        genre="Jazz",
        isrc="US-UAN-14-00011",
        musicbrainz_trackid="0A1B2C3D-0000-4000-8000-000000000001",
    )

    assert figures(import_music(music))["new"] == 1

    made = only_song()
    assert (made.title, made.artist, made.album, made.album_artist) == (
        "Vibe Ace",
        "Kevin MacLeod",
        "Jazz Sampler",
        "Various",
    )
    assert (made.track_number, made.disc_number, made.year, made.codec) == (3, 2, 2011, "flac")
    assert made.duration_s == pytest.approx(3.0)
    assert made.audio_file == path
    assert made.tagging_state == Song.Tagging.PENDING
    assert set(made.identifiers.values_list("value", flat=True)) == {
        "isrc:USUAN1400011",
        "mbid:0a1b2c3d-0000-4000-8000-000000000001",
    }


def test_a_file_without_tags_is_named_after_its_file_and_folders(music: Path) -> None:
    write_tone(music / "Miles Davis" / "Kind of Blue" / "03 - Blue in Green.mp3")

    import_music(music)

    made = only_song()
    assert (made.title, made.artist, made.album, made.track_number) == (
        "Blue in Green",
        "Miles Davis",
        "Kind of Blue",
        3,
    )


def test_the_genres_in_a_file_are_imported_labels_and_follow_the_file(music: Path) -> None:
    path = tag(write_tone(music / "a.flac"), genre="Hip-Hop/Rap; Jazz")
    import_music(music)
    annotations = SongLabel.objects.filter(song=only_song(), source="import", origin="file")
    assert {
        (annotation.label.name, annotation.label.kind, annotation.weight)
        for annotation in annotations.select_related("label")
    } == {
        ("Hip-Hop", "genre", 1.0),
        ("Rap", "genre", 1.0),
        ("Jazz", "genre", 1.0),
    }

    tag(path, genre="Jazz")
    import_music(music)

    assert [annotation.label.name for annotation in annotations.select_related("label")] == ["Jazz"]


def test_a_cover_is_stored_once_for_an_album(music: Path) -> None:
    for number, hz in ((1, 300), (2, 400)):
        add_picture(write_tone(music / f"0{number} - Song.flac", hz=hz), picture((900, 700)))

    import_music(music)

    first, second = Song.objects.all()
    assert first.cover.name == second.cover.name
    assert default_storage.exists(first.cover.name or "")
    assert (first.cover.width, first.cover.height) == (600, 467)


def test_a_picture_beside_the_files_is_their_cover(music: Path) -> None:
    add_picture(write_tone(music / "with.flac", hz=300), picture((50, 50), "red"))
    write_tone(music / "without.ogg", hz=400)
    (music / "Folder.JPG").write_bytes(picture((40, 30), "blue"))

    import_music(music)

    assert Song.objects.get(title="with").cover.width == 50
    assert Song.objects.get(title="without").cover.width == 40


@pytest.mark.parametrize("name", ["a.mp3", "a.ogg", "a.opus", "a.flac", "a.m4a", "a.wav", "a.aiff"])
def test_every_common_format_is_taken(music: Path, name: str) -> None:
    write_tone(music / name)
    report = figures(import_music(music))
    assert (report.pop("new"), set(report.values())) == (1, {0})
    assert only_song().duration_s == pytest.approx(2.0, abs=0.1)


def test_a_song_is_announced_once_it_is_stored(
    music: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    received: list[int] = []

    def listen(song_ids: list[int], **_: object) -> None:
        received.extend(song_ids)

    tagging_needed.connect(listen)
    try:
        write_tone(music / "a.ogg")
        for _ in range(2):
            with django_capture_on_commit_callbacks(execute=True):
                import_music(music)
    finally:
        tagging_needed.disconnect(listen)

    assert received == [only_song().pk]


def test_a_ten_hour_file_is_a_song_like_any_other(music: Path) -> None:
    write_long_silence(music / "a.mp3", hours=10)
    import_music(music)
    assert only_song().duration_s == pytest.approx(36000, rel=0.01)


# --- Songs that were known without audio ----------------------------------------------------------


def test_a_song_known_by_the_identifier_in_the_tags_gains_its_file(music: Path) -> None:
    known = make_song("isrc:USUAN1400011", external_id="isrc:USUAN1400011")
    tag(write_tone(music / "a.flac"), title="Title", artist="Band", isrc="USUAN1400011")
    import_music(music)
    assert (only_song().pk, only_song().title, only_song().path) == (known.pk, "Title", "a.flac")


def test_a_song_known_by_artist_and_title_gains_its_file(music: Path) -> None:
    known = make_song("Don't Stop (Remastered)", "The Band")
    tag(write_tone(music / "a.flac"), title="don\u2019t stop", artist="Band")
    import_music(music)
    assert (only_song().pk, only_song().path, only_song().tagging_state) == (known.pk, "a.flac", "pending")


def test_a_song_of_another_length_is_another_song(music: Path) -> None:
    make_song("Title", "Band", duration_s=200.0)
    tag(write_tone(music / "a.flac"), title="Title", artist="Band")
    import_music(music)
    assert Song.objects.count() == 2


def test_a_better_file_of_a_song_takes_the_place_of_the_deleted_one(music: Path) -> None:
    path = tag(write_tone(music / "a.mp3"), title="Title", artist="Band")
    import_music(music)
    before = only_song()
    path.unlink()
    tag(write_tone(music / "a.flac"), title="Title", artist="Band")
    import_music(music)
    assert (only_song().pk, only_song().path) == (before.pk, "a.flac")


def test_titles_without_an_artist_are_not_matched(music: Path) -> None:
    make_song("Intro")
    write_tone(music / "Intro.ogg")
    import_music(music)
    assert Song.objects.count() == 2


# --- Real recordings ------------------------------------------------------------------------------


@pytest.mark.shared
def test_real_recordings(shared: Path) -> None:
    files = sorted(path.name for path in (shared / "audio").iterdir())

    report = figures(import_music(shared / "audio"))
    again = figures(import_music(shared / "audio"))

    assert (report["new"], report["not usable"], again["known"]) == (len(files), 0, len(files))
    assert sorted(Song.objects.values_list("path", flat=True)) == files
    vibe_ace = Song.objects.get(path="kevin-macleod_vibe-ace.ogg")
    assert (vibe_ace.title, vibe_ace.artist, vibe_ace.album, vibe_ace.year) == (
        "Vibe Ace",
        "Kevin MacLeod",
        "Jazz Sampler",
        2011,
    )
    assert [annotation.label.name for annotation in vibe_ace.song_labels.select_related("label")] == ["Jazz"]
    assert vibe_ace.cover
