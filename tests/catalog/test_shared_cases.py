"""The inputs of `../shared/data/cases` that once came out wrong, each put in as its README says."""

from __future__ import annotations

import json
import os
import re
import shutil
from io import StringIO
from pathlib import Path

import mutagen
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from mutagen import id3

from catalog.models import Play, Song
from catalog.services import song_index
from catalog.services.artists import album_of
from tests.factories import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.shared]


@pytest.fixture
def case(request: pytest.FixtureRequest, shared: Path, tmp_path: Path) -> Path:
    """A copy of what goes in, and what must come out."""
    source = shared / "cases" / request.param
    if not source.is_dir():
        pytest.skip(f"{source} is not there")
    shutil.copytree(source, tmp_path / "case")
    return tmp_path / "case"


def expected(case: Path) -> list[str]:
    return (case / "expect.txt").read_text().splitlines()


def import_music(case: Path, *options: str) -> None:
    call_command("import_music", str(case / "in"), *options, stdout=StringIO())


def import_plays(file: Path) -> str:
    out = StringIO()
    call_command("import_plays", str(file), format="listenbrainz", user="somebody", stdout=out)
    return out.getvalue()


def as_json(*values: object) -> str:
    return json.dumps(values, ensure_ascii=False)


def with_covers() -> list[str]:
    return [f"{song.title} cover {bool(song.cover)}" for song in Song.objects.order_by("title")]


def of(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [name], indirect=True)


@pytest.mark.one_database
@of("01-mpo-photo")
def test_pictures_of_phones_are_read(case: Path, client: Client) -> None:
    client.force_login(make_user())
    out = StringIO()
    call_command("detect_mood", str(case / "in" / "phone.jpg"), str(case / "in" / "plain.jpg"), stdout=out)
    answers = ["command, plain.jpg beside it: read"] if "plain.jpg" in out.getvalue() else []
    for name in ("plain.jpg", "phone.jpg"):
        for address in ("/mood/picture/", "/api/mood/picture/"):
            with (case / "in" / name).open("rb") as picture:
                status = client.post(address, {"picture": picture}).status_code
            answers.append(f"{name} {address} {status}")
    assert answers == expected(case)


@of("02-album-artist-from-folder")
def test_a_genre_s_folder_is_no_album_artist(case: Path) -> None:
    import_music(case)
    song_index.reset()
    albums = {album.first.pk: album for song in Song.objects.all() if (album := album_of(song.pk))}
    shown = sorted(f"{album.title} by {album.artist}: {len(album.song_ids)}" for album in albums.values())
    assert shown == expected(case)


@of("04-cover-added-later")
def test_a_cover_that_comes_later_is_seen(case: Path) -> None:
    shutil.move(case / "in" / "later", case / "later")
    import_music(case)
    assert with_covers() == ["Later cover False"]
    shutil.copy(case / "later" / "cover.jpg", case / "in" / "Album")
    import_music(case)
    assert with_covers() == expected(case)


@pytest.mark.parametrize("case", ["06-broken-embedded-cover", "07-wma-cover"], indirect=True)
def test_the_first_picture_that_can_be_decoded_is_the_cover(case: Path) -> None:
    import_music(case)
    assert with_covers() == expected(case)


@of("09-removed-tags")
def test_removed_tags_leave_the_song(case: Path) -> None:
    import_music(case)
    file = mutagen.File(case / "in" / "x.flac")
    for name in ("album", "date", "discnumber", "genre"):
        file.pop(name, None)
    file.save()
    import_music(case)
    song = Song.objects.get()
    labels = list(song.song_labels.values_list("label__name", flat=True))
    shown = as_json(song.title, song.artist, song.album, song.year, song.disc_number, labels)
    assert [shown] == expected(case)


@of("10-kept-mtime")
def test_a_file_whose_time_was_put_back_is_read_again(case: Path) -> None:
    import_music(case)
    path = case / "in" / "x.mp3"
    before = path.stat()
    tags = id3.ID3(path)
    tags["TIT2"].text = ["The Song"]
    tags.save(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    import_music(case)
    assert [song.title for song in Song.objects.all()] == expected(case)


@of("11-apev2-only-mp3")
def test_ape_tags_of_an_mp3(case: Path) -> None:
    import_music(case)
    shown = [as_json(song.title, song.artist, song.album, song.year) for song in Song.objects.all()]
    assert shown == expected(case)


@of("13-wrong-suffix")
def test_files_are_read_by_what_they_hold(case: Path) -> None:
    import_music(case)
    assert [as_json(song.path, song.title, song.artist) for song in Song.objects.order_by("path")] == expected(case)


@of("14-flac-with-a-broken-block")
def test_a_broken_block_costs_that_block(case: Path) -> None:
    import_music(case)
    assert [as_json(song.path, song.title, song.artist) for song in Song.objects.order_by("path")] == expected(case)


@of("16-date-yyyymmdd")
def test_dates_without_signs_have_a_year(case: Path) -> None:
    import_music(case)
    assert [as_json(song.path, song.year) for song in Song.objects.order_by("path")] == expected(case)


@of("18-recycle-bins")
def test_recycle_bins_hold_no_music(case: Path) -> None:
    import_music(case)
    assert [as_json(*Song.objects.values_list("path", flat=True))] == expected(case)


@of("19-chained-ogg")
def test_all_links_of_a_chain_count(case: Path) -> None:
    import_music(case)
    shown = [f"{song.path} {song.duration_s or 0:.0f} s" for song in Song.objects.order_by("path")]
    assert shown == expected(case)


@pytest.mark.parametrize("case", ["20-marks-that-are-letters", "22-several-artists"], indirect=True)
def test_plays_go_to_the_song_that_was_played(case: Path) -> None:
    import_music(case)
    import_plays(case / "in" / "listens.jsonl")
    listens = [json.loads(line)["track_metadata"] for line in (case / "in" / "listens.jsonl").read_text().splitlines()]
    plays = Play.objects.order_by("played_at", "pk").select_related("song")
    found = [f"{play.song.artist} - {play.song.title} {play.song.path}" for play in plays]
    assert len(found) == len(listens)
    assert found == expected(case)


@of("23-listenbrainz-mapping")
def test_what_listenbrainz_maps_a_play_to(case: Path) -> None:
    import_music(case)
    import_plays(case / "in" / "listens.jsonl")
    *files, said = expected(case)
    assert [play.song.path for play in Play.objects.order_by("played_at").select_related("song")] == files
    try:
        answer = import_plays(case / "in" / "old_export.json")
    except CommandError as error:
        answer = str(error)
    assert said in answer
    assert re.match(r"\d+ lines, ", said)
