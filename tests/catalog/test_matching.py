"""Plays find the songs they mean: on a library of known truth, and together with files that come in later."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from catalog.importing.descriptions import Description
from catalog.importing.matching import Known, NameIndex
from catalog.models import Play, Song
from tests.audio import tag, write_tone
from tests.factories import make_root, make_song

pytestmark = pytest.mark.django_db

ARTISTS = ["The Ångström Choir", "R.E.M. & Friends", "Björk's Ghost", "AC/DC Revival", "Simon & Sons", "Mø and Ella"]
WORDS = ["Don't", "Look", "Café", "Night", "S.O.S.", "Love", "Rain", "Señor", "Blue", "Über", "Home", "Déjà Vu"]
VERSIONS = ["(Live)", "(Acoustic)", "(Remix)", "(Live at Wembley)", "[Demo]", "(Instrumental)", "- Radio Edit"]

SPELLINGS: list[Callable[[str], str]] = [
    str.upper,
    str.lower,
    lambda title: title.replace("é", "e").replace("ñ", "n").replace("à", "a").replace("Ü", "U"),
    lambda title: f"{title} (2011 Remaster)",
    lambda title: f"{title} - Remastered 2009",
    lambda title: f"{title} [Remastered]",
    lambda title: f"{title} (feat. Somebody Else)",
    lambda title: f"{title} ft. Somebody",
    lambda title: f"The {title}",
    lambda title: title.replace("'", "\u2019").replace(" ", "  "),
    lambda title: title.replace("'", "").replace(".", ""),
    lambda title: f"\u201c{title}\u201d!",
]
ARTIST_SPELLINGS: list[Callable[[str], str]] = [
    str,
    str.upper,
    lambda artist: artist.removeprefix("The "),
    lambda artist: artist if artist.startswith("The ") else f"The {artist}",
    lambda artist: artist.replace("&", "and"),
    lambda artist: artist.replace("Å", "A").replace("ö", "o").replace("ø", "o"),
    lambda artist: artist.replace(".", "").replace("/", "").replace("'", ""),
    lambda artist: f"{artist} feat. Somebody",
]


def import_listens(folder: Path, lines: list[str]) -> str:
    """The command's report on an export of these lines."""
    file, out = folder / "listens.jsonl", StringIO()
    file.write_text("\n".join(lines), "utf-8")
    call_command("import_plays", str(file), format="listenbrainz", stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("seed", range(3))
def test_misspelled_plays_find_the_right_song_and_never_another_version(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    root = make_root()
    plays: list[tuple[int | None, str, str, float | None]] = []
    for artist in ARTISTS:
        titles = rng.sample([f"{one} {other}" for one in WORDS for other in WORDS if one != other], 20)
        for place, title in enumerate(titles):
            *some, absent = (f"{title} {version}" for version in rng.sample(VERSIONS, 3))
            here, elsewhere = ([title, *some], [absent]) if place % 4 else (some, [title, absent])
            for name in here:
                seconds = 150 + 150 * rng.random()
                song = make_song(name, artist, root=root, path=f"{artist}/{name}.flac", duration_s=seconds)
                spellings = rng.sample(SPELLINGS, 4)
                plays += [(song.pk, artist, spell(name), rng.choice([None, seconds + 2])) for spell in spellings]
            plays += [(None, artist, rng.choice(SPELLINGS)(name), None) for name in elsewhere]
    lines = []
    for at, (_, artist, title, told) in enumerate(plays, start=1):
        track = {"track_name": title, "artist_name": rng.choice(ARTIST_SPELLINGS)(artist)}
        more = {"additional_info": {"duration": told}} if told else {}
        lines.append(json.dumps({"listened_at": at, "user_name": "rob", "track_metadata": {**track, **more}}))

    import_listens(tmp_path, lines)

    files = set(Song.objects.exclude(path="").values_list("pk", flat=True))
    songs = Play.objects.order_by("played_at").values_list("song", flat=True)
    found = [song if song in files else None for song in songs]
    right = sum(song == play[0] for song, play in zip(found, plays, strict=True))
    wrong = [play for song, play in zip(found, plays, strict=True) if song not in (play[0], None)]
    assert wrong == []
    assert right / len(plays) >= 0.95


def test_a_file_that_comes_later_takes_over_the_plays_of_its_song(tmp_path: Path) -> None:
    lines = [
        {"track_name": "Don\u2019t Look (2011 Remaster)", "artist_name": "Beatles, The"},
        {"track_name": "Don't Look (Live)", "artist_name": "The Beatles"},
        {"track_name": "Elsewhere", "artist_name": "X", "additional_info": {"isrc": "GBAYE0601498"}},
    ]
    listens = [
        json.dumps({"listened_at": at, "user_name": "rob", "track_metadata": track})
        for at, track in enumerate(lines, 1)
    ]
    import_listens(tmp_path, listens)
    tag(write_tone(tmp_path / "music" / "1.flac"), title="Dont Look", artist="THE BEATLES")
    tag(write_tone(tmp_path / "music" / "2.flac", hz=550), title="Another Name", artist="Y", isrc="GBAYE0601498")
    call_command("import_music", str(tmp_path / "music"), stdout=StringIO())

    assert Song.objects.count() == 3
    playable = {song.title: song.playable for song in Song.objects.all()}
    assert playable == {"Dont Look": True, "Don't Look (Live)": False, "Another Name": True}
    report = import_listens(tmp_path, listens)
    assert "0 new plays, 0 new songs" in report
    assert "2 of 3 songs (66.7 %) and 2 of 3 plays (66.7 %) are of files in the library" in report


def test_a_file_is_not_taken_for_the_lastfm_artist_that_it_is_named_after(tmp_path: Path) -> None:
    artist = make_song("Black Sabbath", "Black Sabbath", external_id="lastfm:artist:9")
    tag(write_tone(tmp_path / "music" / "1.flac"), title="Black Sabbath", artist="Black Sabbath")
    call_command("import_music", str(tmp_path / "music"), stdout=StringIO())
    artist.refresh_from_db()
    assert artist.path == ""
    line = {"track_name": "Black Sabbath", "artist_name": "Black Sabbath"}
    import_listens(tmp_path, [json.dumps({"listened_at": 1, "user_name": "rob", "track_metadata": line})])
    assert Play.objects.get().song.path == "1.flac"


# --- The index ------------------------------------------------------------------------------------


def test_a_song_by_nobody_knows_whom_is_not_told_by_its_title() -> None:
    index = NameIndex()
    index.add(Known(1), Description("Intro"), has_file=True)
    assert index.find(Description("Intro")) is None
    assert len(index) == 0


def test_a_title_to_the_letter_goes_before_one_without_its_article() -> None:
    index = NameIndex()
    index.add(Known(1), Description("The End", "Anna"), has_file=True)
    index.add(Known(2), Description("End", "Anna"), has_file=True)
    assert index.find(Description("End", "Anna")) == Known(2)
    assert index.find(Description("The End", "Anna")) == Known(1)


def test_of_songs_without_a_file_the_first_stays_the_one() -> None:
    index = NameIndex()
    index.add(Known(1), Description("End", "Anna", duration_s=200.0), has_file=False)
    index.add(Known(2), Description("End", "Anna", duration_s=203.5), has_file=False)
    assert index.find(Description("End", "Anna", duration_s=202.9)) == Known(1)
    index.add(Known(3), Description("End", "Anna", duration_s=203.0), has_file=True)
    assert index.find(Description("End", "Anna", duration_s=202.9)) == Known(3)


def test_a_concerts_album_is_another_recording() -> None:
    index = NameIndex()
    index.add(Known(1), Description("End", "Anna", "First"), has_file=True)
    assert index.find(Description("End", "Anna", "Live at Wembley")) is None
    assert index.find(Description("End", "Anna", "Live Through This")) == Known(1)
    assert index.find(Description("End", "Anna")) == Known(1)
