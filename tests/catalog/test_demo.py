"""The demo library: what it composes, how it sounds in numbers, its files, its folder, and its simulated listeners."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from numpy.typing import NDArray
from PIL import Image

from catalog.demo import covers, theory
from catalog.demo.encoding import TrackTags, write
from catalog.demo.listeners import SIMULATED_TIME, simulate
from catalog.demo.mixing import LOUDNESS, loudness, render
from catalog.demo.phrasing import Manner, harmony, sing
from catalog.demo.programme import Track, programme
from catalog.demo.rendering import render_library, render_track
from catalog.demo.score import Part
from catalog.demo.styles import STYLES, compose
from catalog.demo.synthesis.drums import KITS
from catalog.demo.synthesis.effects import SPACES
from catalog.demo.synthesis.instruments import INSTRUMENTS
from catalog.demo.synthesis.strings import pluck
from catalog.demo.synthesis.waves import RATE, Signal, oscillator
from catalog.demo.theory import Key
from catalog.importing.tags import read_tags
from catalog.models import Listener, Play, PlayCount, Rating, Song
from catalog.services import demo
from tagging import registry
from tagging.inference import listen_to

# Quick to render, and as different as can be.
HEARD = ("ambient", "piano ballad", "metal", "techno", "chiptune", "folk", "choral", "jazz")
SECONDS = 14.0
CELLS = ((1.0, 1.0), (0.5, 0.5, 1.0), (1.5, 0.5), (0.5, 0.5, 0.5, 0.5))


def short(style: str, seed: int = 1, seconds: float = SECONDS) -> Signal:
    """The beginning of a piece."""
    return render(replace(compose(style, seed), seconds=seconds), seed)


@pytest.fixture(scope="module")
def recordings() -> Mapping[str, Signal]:
    return {style: short(style) for style in HEARD}


def track(style: str, form: str, **fields: object) -> Track:
    """A track of an album of its own."""
    names = {"title": f"A {style}", "artist": "Somebody", "album": style.title(), "album_artist": "Somebody"}
    numbers = {"number": 1, "tracks": 1, "year": 2001, "seed": 1}
    return Track(**{**names, **numbers, "format": form, "style": style, "cover": None, **fields})  # type: ignore[arg-type]


# --- Composition --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "notes"),
    [
        ("I", "C E G"),
        ("ii7", "D F A C"),
        ("V7", "G B D F"),
        ("bVI", "Ab C Eb"),
        ("iv", "F Ab C"),
        ("viim7b5", "B D F A"),
    ],
)
def test_roman_numerals_are_chords(symbol: str, notes: str) -> None:
    names = "C Db D Eb E F Gb G Ab A Bb B".split()  # noqa: SIM905
    assert [names[pc] for pc in Key(0, "major").chord(symbol).pitch_classes] == notes.split()


@pytest.mark.parametrize("symbol", ["", "VIIII", "X", "I/Y", "ivish"])
def test_what_is_no_chord_is_refused(symbol: str) -> None:
    with pytest.raises(ValueError, match="not a chord"):
        Key(0, "major").chord(symbol)


def test_the_scale_bends_to_the_dominant_of_a_minor_key() -> None:
    key = Key(9, "minor")
    assert 8 in key.over(key.chord("V7"))
    assert 7 not in key.over(key.chord("V7"))
    assert key.over(key.chord("iv")) == tuple(sorted(key.pitch_classes))


def test_voices_move_little() -> None:
    key = Key(0, "major")
    voicings = theory.lead_voices([key.chord(symbol) for symbol in ("I", "vi", "IV", "V", "I")], 60, 3)
    for before, after in itertools.pairwise(voicings):
        assert sum(abs(a - b) for a, b in zip(before, after, strict=True)) <= 7


def test_a_melody_repeats_its_phrases_and_ends_on_the_tonic() -> None:
    key = Key(0, "major")
    spans = harmony(key, "I I I I", 4.0, 32.0)
    notes = sing(np.random.default_rng(5), key, spans, "abaB", 8.0, CELLS, Manner(60, 79))

    def rhythm(slot: int) -> list[float]:
        return [note.beat - 8.0 * slot for note in notes if 8.0 * slot <= note.beat < 8.0 * (slot + 1)]

    assert rhythm(0) == rhythm(2)
    assert rhythm(0) != rhythm(1)
    assert notes[-1].pitch % 12 == 0
    assert all(60 <= note.pitch <= 79 for note in notes)


@pytest.mark.parametrize("style", STYLES)
def test_every_style_writes_what_can_be_played(style: str) -> None:
    for seed in range(1, 7):
        score = compose(style, seed)
        assert score == compose(style, seed)
        assert score != compose(style, seed + 100)
        assert score.space in SPACES
        for part in score.parts:
            if isinstance(part, Part):
                assert part.instrument in INSTRUMENTS
                assert part.notes
                assert all(note.beats > 0 and 0.0 < note.velocity <= 1.3 for note in part.notes)
                beats = [note.beat for note in part.notes]
            else:
                assert {hit.piece for hit in part.hits} <= set(KITS[part.kit])
                beats = [hit.beat for hit in part.hits]
            assert min(beats) >= 0.0
            assert max(beats) * 60.0 / score.tempo < score.seconds


# --- Sound --------------------------------------------------------------------------------------


def test_loudness_is_measured_as_the_recommendation_says() -> None:
    sine = np.sin(2.0 * np.pi * 997.0 * np.arange(5 * RATE) / RATE).astype(np.float32)
    both = np.stack([sine, sine])
    assert loudness(both) == pytest.approx(0.0, abs=0.05)
    assert loudness(both * np.float32(10.0 ** (-23.0 / 20.0))) == pytest.approx(-23.0, abs=0.05)
    assert loudness(np.stack([sine, 0.0 * sine])) == pytest.approx(-3.01, abs=0.05)
    assert loudness(np.zeros((2, RATE), dtype=np.float32)) == -70.0


@pytest.mark.parametrize("hz", [41.2, 82.4, 196.0, 440.0, 987.8])
@pytest.mark.parametrize("damping", [0.3, 3.0])
def test_plucked_strings_are_in_tune(hz: float, damping: float) -> None:
    sound = pluck(hz, 3.0, 0.5, damping, 5.0, 0.2, np.random.default_rng(1))
    size = 1 << 19
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size), size))
    around = np.arange(int(hz * 0.96 * size / RATE), int(hz * 1.04 * size / RATE))
    heard = around[np.argmax(spectrum[around])] * RATE / size
    assert abs(1200.0 * np.log2(heard / hz)) < 3.0


@pytest.mark.parametrize("shape", ["saw", "square", "triangle", "pulse 0.25", "brass", "drawbars 888000008"])
def test_oscillators_do_not_fold_back(shape: str) -> None:
    n = RATE
    power = np.abs(np.fft.rfft(oscillator(shape, 1_500.0, n) * np.hanning(n))) ** 2
    harmonics = np.arange(750, n // 2, 750)  # those of the octave below too: an organ's 16' drawbar
    near = np.zeros(power.size, dtype=bool)
    for place in harmonics:
        near[place - 4 : place + 5] = True
    assert power[~near].sum() < 1e-6 * power.sum()


def test_recordings_are_clean(recordings: Mapping[str, Signal]) -> None:
    for style, sound in recordings.items():
        assert sound.dtype == np.float32, style
        assert sound.shape == (2, round(SECONDS * RATE)), style
        assert np.isfinite(sound).all(), style
        assert np.abs(sound).max() < 0.9, style
        assert loudness(sound) == pytest.approx(LOUDNESS, abs=0.5), style
        assert np.abs(sound.mean(axis=1)).max() < 1e-4, style
        assert np.abs(sound[:, :4]).max() < 1e-2, style
        assert np.abs(sound[:, -4:]).max() < 1e-3, style


def test_recordings_are_stereo(recordings: Mapping[str, Signal]) -> None:
    for style, (left, right) in recordings.items():
        assert 0.3 < np.corrcoef(left, right)[0, 1] < 0.999, style
        assert abs(10.0 * np.log10((left**2).mean() / (right**2).mean())) < 3.0, style


def _features(sound: Signal) -> NDArray[np.float64]:
    """Logarithms of: middle of the spectrum, power in five bands, how uneven the loudness is, how often it jumps."""
    mono = sound.mean(axis=0).astype(np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(mono, 2_048)[::1_024] * np.hanning(2_048)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 + 1e-9
    hz = np.fft.rfftfreq(2_048, 1.0 / RATE)
    middle = np.median((np.sqrt(power) * hz).sum(axis=1) / np.sqrt(power).sum(axis=1))
    edges = (0.0, 120.0, 500.0, 2_000.0, 6_000.0, 22_050.0)
    bands = [power[:, (hz >= a) & (hz < b)].sum() for a, b in itertools.pairwise(edges)]
    level = np.log(power.sum(axis=1))
    rises = np.maximum(np.diff(np.log(power), axis=0), 0.0).mean(axis=1)
    return np.asarray(
        [
            2.0 * np.log(middle),
            *(0.5 * np.log(np.asarray(bands) / sum(bands))),
            2.0 * np.log(level.std()),
            3.0 * np.log(rises.mean()),
        ]
    )


def test_kinds_can_be_told_apart_with_eyes_closed(recordings: Mapping[str, Signal]) -> None:
    """Two pieces of one kind are closer than two of different kinds."""
    first = {style: _features(sound) for style, sound in recordings.items()}
    second = {style: _features(short(style, 2)) for style in ("techno", "metal", "folk", "ambient")}
    for style, features in second.items():
        distances = {other: np.linalg.norm(features - heard) for other, heard in first.items()}
        assert min(distances, key=distances.__getitem__) == style, distances
    kinds = list(first)
    for place, style in enumerate(kinds):
        for other in kinds[place + 1 :]:
            assert np.linalg.norm(first[style] - first[other]) > 1.0, (style, other)


def test_kinds_differ_as_they_should(recordings: Mapping[str, Signal]) -> None:
    middle = {style: _features(sound)[0] for style, sound in recordings.items()}
    bass = {style: _features(sound)[1] for style, sound in recordings.items()}
    attacks = {style: _features(sound)[-1] for style, sound in recordings.items()}
    assert max(middle, key=middle.__getitem__) == "metal"
    assert bass["techno"] > max(bass["folk"], bass["choral"], bass["piano ballad"])
    assert max(attacks["ambient"], attacks["choral"]) < min(attacks["techno"], attacks["chiptune"], attacks["jazz"])


@pytest.mark.parametrize("style", ["house", "metal"])
def test_the_beat_that_is_heard_is_the_beat_that_was_written(style: str) -> None:
    score = compose(style, 1)
    mono = short(style).mean(axis=0).astype(np.float64)
    hop = 512
    envelope = np.sqrt(np.add.reduceat(mono**2, np.arange(0, mono.size, hop)))
    rises = np.maximum(np.diff(envelope), 0.0)
    rises -= rises.mean()
    echoes = np.correlate(rises, rises, "full")[rises.size :]
    beat = 60.0 / score.tempo * RATE / hop
    at_beat = max(echoes[round(beat * 2) - 3 : round(beat * 2) + 2])
    between = max(echoes[round(beat * 2.37) - 2 : round(beat * 2.37) + 2])
    assert at_beat > 3.0 * max(between, 0.0)


def test_the_same_seed_gives_the_same_samples_and_another_seed_another_piece() -> None:
    first, second, other = (short("chiptune", seed, 5.0) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.allclose(first, other, atol=1e-2)


def test_the_demo_library_sounds_the_same_everywhere() -> None:
    """Loudness of each second, in dB, as it was on another machine."""
    sound = short("folk", 1, 8.0)
    seconds = 10.0 * np.log10((sound.reshape(2, 8, RATE) ** 2).mean(axis=(0, 2)))
    assert seconds == pytest.approx([-16.7, -16.7, -16.3, -17.5, -15.4, -15.7, -14.9, -20.8], abs=0.1)


# --- Files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["mp3", "ogg", "flac"])
def test_files_hold_the_sound_and_proper_tags(form: str, tmp_path: Path) -> None:
    sound = short("chiptune", 1, 4.0)
    tags = TrackTags(
        "Título", "A & B", "Album", "Various Artists", 3, 7, 1999, covers.draw("rings", "#000 #fff #f00", 1)
    )
    path, again = tmp_path / f"a.{form}", tmp_path / f"b.{form}"
    write(path, sound, tags)
    write(again, sound, tags)

    assert path.read_bytes() == again.read_bytes()
    assert {file.name for file in tmp_path.iterdir()} == {path.name, again.name}
    heard, rate = sf.read(path, dtype="float32")
    assert rate == RATE
    assert len(heard) / RATE == pytest.approx(4.0, abs=0.06)
    assert np.abs(heard).max() <= 1.0
    assert loudness(heard.T) == pytest.approx(loudness(sound), abs=0.3)
    read = read_tags(path)
    assert (read.title, read.artist, read.album, read.album_artist) == ("Título", "A & B", "Album", "Various Artists")
    assert (read.track_number, read.year) == (3, 1999)
    assert read.picture is not None
    assert not read.genres


def test_flac_is_the_recording_itself(tmp_path: Path) -> None:
    sound = short("chiptune", 1, 2.0)
    write(tmp_path / "a.flac", sound, TrackTags("T", "A", "B", "A", 1, 1, 2000))
    heard, _ = sf.read(tmp_path / "a.flac", dtype="float32")
    assert np.abs(heard.T - sound).max() < 3.0 / 32_768


def test_covers_are_square_pictures_that_differ(tmp_path: Path) -> None:
    drawn = {motif: covers.draw(motif, "#101820 #7bd389 #f2e94e #38a3a5", 1) for motif in covers.MOTIFS}
    assert len(set(drawn.values())) == len(drawn)
    for motif, jpeg in drawn.items():
        (tmp_path / motif).write_bytes(jpeg)
        with Image.open(tmp_path / motif) as picture:
            assert (picture.format, picture.size) == ("JPEG", (600, 600))
        assert jpeg == covers.draw(motif, "#101820 #7bd389 #f2e94e #38a3a5", 1)


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


def test_what_is_recorded_is_not_recorded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    monkeypatch.setattr("catalog.demo.rendering._generator", lambda: "another")
    assert list(render_library(tmp_path, [tracks[0]])) == [tracks[0]]
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
def test_the_published_taggers_hear_different_kinds(
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
            answers = listen_to(tmp_path / made.path, taggers)
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
