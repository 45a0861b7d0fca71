"""The demo library: its programme, its files and folder, and its simulated listeners."""

from __future__ import annotations

import itertools
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from catalog.demo.listeners import SIMULATED_TIME, simulate
from catalog.demo.programme import Track, programme
from catalog.demo.rendering import render_library, render_track
from catalog.models import Listener, Play, PlayCount, Rating, Song
from catalog.services import demo
from composer.styles import STYLES
from tagging.networks.inference import predict_file
from tagging.taggers import registry

pytestmark = pytest.mark.long


def track(style: str, form: str, **fields: object) -> Track:
    """A track of an album of its own."""
    names = {"title": f"A {style}", "artist": "Somebody", "album": style.title(), "album_artist": "Somebody"}
    numbers = {"number": 1, "tracks": 1, "year": 2001, "seed": 1}
    return Track(**{**names, **numbers, "format": form, "style": style, "cover": None, **fields})  # type: ignore[arg-type]


# --- The library --------------------------------------------------------------------------------


def test_the_programme_is_about_forty_tracks_of_clearly_different_kinds() -> None:
    tracks = programme()
    assert 38 <= len(tracks) <= 46
    assert len({track.path for track in tracks}) == len({track.title for track in tracks}) == len(tracks)
    assert len({track.style for track in tracks}) >= 20
    assert {track.style for track in tracks} <= set(STYLES)
    assert len({(track.style, track.seed) for track in tracks}) == len(tracks)
    assert {track.format for track in tracks} == {"mp3", "ogg", "flac"}
    assert 0 < sum(track.cover is not None for track in tracks) < len(tracks)


def test_what_is_recorded_is_not_recorded_again(tmp_path: Path) -> None:
    tracks = [track("chiptune", "ogg"), track("island", "mp3"), track("folk", "flac")]
    assert set(render_library(tmp_path, tracks[:2])) == set(tracks[:2])
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*") if path.suffix in (".ogg", ".mp3")}
    assert len(before) == 2

    assert list(render_library(tmp_path, tracks[:2])) == tracks[:2]
    assert before == {path: path.stat().st_mtime_ns for path in before}

    # A damaged file is made anew, in other processes to the same bytes; a track that has gone takes its file along.
    chiptune = tmp_path / tracks[0].path
    contents = chiptune.read_bytes()
    chiptune.write_bytes(contents[:1000])
    assert set(render_library(tmp_path, [tracks[0], tracks[2]], processes=1)) == {tracks[0], tracks[2]}
    assert chiptune.read_bytes() == contents
    assert not (tmp_path / tracks[1].path).exists()
    assert (tmp_path / tracks[2].path).exists()

    # So is everything when the generator is another one; where it gives the same bytes, the file stays as it is.
    made, record = chiptune.stat().st_mtime_ns, (tmp_path / ".rendered.json").read_text()
    assert list(render_library(tmp_path, [tracks[0]], generator="another")) == [tracks[0]]
    assert (tmp_path / ".rendered.json").read_text() != record
    assert chiptune.stat().st_mtime_ns == made


# --- Listeners ----------------------------------------------------------------------------------


def test_simulated_listeners_are_always_the_same() -> None:
    assert simulate(programme()) == simulate(programme())


def test_simulated_listeners_leave_songs_unplayed_and_do_not_play_everything() -> None:
    tracks, listeners = programme(), simulate(programme())
    played = [{play.track for play in listener.plays} for listener in listeners]
    assert 3 <= len(tracks) - len(set.union(*played)) <= 8
    assert max(map(len, played)) < 0.7 * len(tracks)
    assert len(listeners) >= 20
    assert all(listener.name.startswith("simulated-") for listener in listeners)


def test_simulated_listeners_follow_a_taste_with_noise() -> None:
    tracks = programme()
    for listener in simulate(tracks):
        styles = [tracks[play.track].style for play in listener.plays]
        counts = sorted((styles.count(style) for style in set(styles)), reverse=True)
        assert sum(counts[:6]) > 0.5 * len(styles)
        assert len(counts) > 4
        stars = [rating.stars for rating in listener.ratings]
        assert set(stars) <= {1, 2, 3, 4, 5}
        assert {rating.track for rating in listener.ratings} <= {play.track for play in listener.plays}


def test_simulated_plays_come_in_sessions_over_months() -> None:
    for listener in simulate(programme()):
        moments = [play.moment for play in listener.plays]
        assert moments == sorted(moments)
        assert len(set(zip((play.track for play in listener.plays), moments, strict=True))) == len(moments)
        assert moments[-1] < SIMULATED_TIME
        assert moments[-1].days - moments[0].days > 30
        gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(moments)]
        assert sum(gap < 60 for gap in gaps) > 0.5 * len(gaps)
        assert sum(gap > 3600 for gap in gaps) >= 8


# --- The command --------------------------------------------------------------------------------


@pytest.fixture
def small_programme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Track, ...]:
    """A home of its own, and a demo library of four quick tracks."""
    monkeypatch.setenv("DCMRS_HOME", str(tmp_path))
    tracks = tuple(
        track(style, form)
        for style, form in (("chiptune", "ogg"), ("island", "mp3"), ("folk", "flac"), ("jazz", "ogg"))
    )
    for module in ("catalog.services.demo", "catalog.management.commands.make_demo"):
        monkeypatch.setattr(f"{module}.programme", lambda: tracks)
    return tracks


def _everything() -> list[object]:
    tables = (User, Listener, Play, PlayCount, Rating, Song)
    return [list(table.objects.order_by("pk").values()) for table in tables]


@pytest.mark.django_db
def test_make_demo_fills_the_library_and_again_changes_nothing(
    small_programme: tuple[Track, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    out = StringIO()
    call_command("make_demo", stdout=out)

    assert out.getvalue().count("\n") == 1
    assert "track" in capsys.readouterr().err
    songs = demo.songs()
    assert set(songs) == set(small_programme)
    assert all(song.playable and song.audio_file.is_file() for song in songs.values())
    assert not Song.objects.filter(song_labels__isnull=False).exists()
    listeners = Listener.objects.filter(origin=Listener.Origin.SIMULATED).select_related("user")
    assert len(listeners) >= 20
    for listener in listeners:
        assert listener.user.username.startswith("simulated-")
        assert not listener.user.is_active
        assert not listener.user.has_usable_password()
    assert (
        Play.objects.exclude(origin="simulated").count() == PlayCount.objects.exclude(origin="simulated").count() == 0
    )
    assert Song.objects.filter(plays__isnull=True).count() == 1
    for count in PlayCount.objects.all():
        plays = Play.objects.filter(user=count.user, song=count.song, skipped=False).order_by("played_at")
        last = plays.last()
        assert last is not None
        assert (count.count, count.last_played) == (len(plays), last.played_at)
    assert all(
        Play.objects.filter(user=rating.user, song=rating.song, played_at__lte=rating.rated_at).exists()
        for rating in Rating.objects.all()
    )

    before = _everything()
    call_command("make_demo", stdout=out)
    assert _everything() == before

    # Broken off among the listeners, it goes on with those who are not there yet.
    people, events = User.objects.count(), Play.objects.count()
    User.objects.filter(username__gt="simulated-m").delete()
    assert 0 < User.objects.count() < people
    call_command("make_demo", stdout=out)
    assert (User.objects.count(), Play.objects.count()) == (people, events)


@pytest.mark.django_db
def test_make_demo_says_in_one_line_what_is_in_its_way(small_programme: tuple[Track, ...], tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("not a folder")
    with pytest.raises(CommandError, match="demo: file exists"):
        call_command("make_demo", stdout=StringIO())


# --- What the published taggers hear ------------------------------------------------------------


@pytest.mark.shared
def test_the_published_taggers_tag_different_kinds(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DCMRS_HOME", str(tmp_path))
    registry.install("jamendo-cnn", shared / "weights" / "jamendo_moodtheme_cnn.pth")
    registry.install("msd-crnn", shared / "weights" / "msd_crnn_theano.h5")
    taggers = [registry.load(name) for name in ("jamendo-cnn", "msd-crnn")]
    heard: dict[str, dict[str, float]] = {}
    for made in programme():
        if made.title in ("Tidewater", "Half a Promise", "Furnace Hymn", "Upward", "Storm over the Strait"):
            render_track(made, tmp_path / made.path)
            answers = predict_file(tmp_path / made.path, taggers)
            heard[made.style] = {
                label: float(probability)
                for tagger, answer in zip(taggers, answers, strict=True)
                for label, probability in zip(tagger.labels, answer.probabilities, strict=True)
            }

    def strongest(label: str) -> str:
        return max(heard, key=lambda style: heard[style][label])

    assert {label: strongest(label) for label in ("relaxing", "ballad", "heavy", "dance", "epic")} == {
        "relaxing": "ambient",
        "ballad": "piano ballad",
        "heavy": "metal",
        "dance": "trance",
        "epic": "film",
    }
