"""Artists are a list: shown joined, found, filtered and matched one by one; each has a page."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from rest_framework.test import APIClient

from catalog.components import artists_data, render_component
from catalog.importing.descriptions import Description
from catalog.importing.matching import Known, NameIndex
from catalog.models import Label, LibraryRoot, Play, Song
from catalog.names import artist_key, split_artists, split_guests, title_key
from catalog.services import song_index
from catalog.services.overviews import artists
from recommender.models import Word
from tests.audio import tag, write_tone
from tests.factories import make_root, make_song

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> LibraryRoot:
    return make_root()


@pytest.fixture
def duet(root: LibraryRoot) -> Song:
    return make_song("Duet", "Alpha, Beta", artists=["Alpha", "Beta"], root=root, path="duet.mp3", duration_s=60.0)


@pytest.mark.parametrize("joined", ["Alpha & Beta", "Alpha and Beta", "Alpha, Beta", "Alpha x Beta", "Alpha with Beta"])
def test_any_joiner_makes_the_same_key_and_the_same_list(joined: str) -> None:
    assert artist_key(joined) == artist_key("Alpha; Beta")
    assert split_artists(joined) == ["Alpha", "Beta"]


@pytest.mark.parametrize("name", ["10 Ft. Tall", "Malcolm X", "X Japan", "The The", "AC/DC", "And So I Watch You"])
def test_what_only_looks_like_a_joiner_is_none(name: str) -> None:
    assert split_artists(name) == [name]
    assert split_guests(name) == [name]
    assert artist_key(name) == artist_key(name.upper())


@pytest.mark.parametrize("name", ["Six Ft. Under", "50 ft Queenie", "20 Ft. Down"])
def test_a_length_in_feet_is_no_guest(name: str) -> None:
    assert (split_artists(name), split_guests(name)) == ([name], [name])


@pytest.mark.parametrize("artist", ["Maroon 5", "U2", "Blink-182"])
@pytest.mark.parametrize("joiner", ["ft.", "feat.", "Ft"])
def test_an_artist_with_a_number_may_have_guests(artist: str, joiner: str) -> None:
    assert split_guests(f"{artist} {joiner} Somebody") == [artist, "Somebody"]
    assert artist_key(f"{artist} {joiner} Somebody") == artist_key(artist)


def test_an_upgrade_makes_the_keys_of_guests_anew() -> None:
    migration = import_module("catalog.migrations.0016_guests_of_numbered_artists")
    song, other = make_song("A", "Maroon 5 ft. Eve"), make_song("B", "Six Ft. Under")
    Song.objects.filter(pk=song.pk).update(artist_key="maroon 5 ft eve", artists=[])
    Song.objects.filter(pk=other.pk).update(artist_key="six")
    migration.make_keys(apps, SimpleNamespace(connection=connection))
    song.refresh_from_db()
    other.refresh_from_db()
    assert (song.artist_key, song.artists) == ("maroon 5", ["Maroon 5", "Eve"])
    assert other.artist_key == "six ft under"


def test_a_height_in_feet_is_no_guest() -> None:
    assert artist_key("10 Ft. Tall") != artist_key("10")
    assert title_key("10 Ft. Tall") != title_key("10")
    assert artist_key("Alpha Ft. Beta") == artist_key("Alpha")


# --- Pages ----------------------------------------------------------------------------------------


def test_each_artist_of_a_song_leads_to_a_page_of_theirs(client: Client, listener: User, duet: Song) -> None:
    page = client.get("/library/").content.decode()
    for name in ("Alpha", "Beta"):
        assert f'<a href="/artists/{name.lower()}/">{name}</a>' in page
        shown = client.get(f"/artists/{name.lower()}/")
        assert shown.context["artist"].name == name
        assert [row.song for row in shown.context["rows"]] == [duet]
        assert client.get(f"/similar-artists/{name.lower()}/").status_code == 200


def test_artists_are_linked_where_they_are_written(client: Client, listener: User, root: LibraryRoot) -> None:
    make_song("A", "Alpha feat. Beta", artists=["Alpha", "Beta"], root=root, path="a.mp3")
    make_song("B", "Gamma & <Delta>", artists=["Gamma", "<Delta>"], root=root, path="b.mp3")
    make_song("C", "Eta and the Thetas", artists=["Eta", "Theta"], root=root, path="c.mp3")
    page = client.get("/library/").content.decode()
    assert '<a href="/artists/alpha/">Alpha</a> feat. <a href="/artists/beta/">Beta</a>' in page
    assert '<a href="/artists/gamma/">Gamma</a> &amp; <a href="/artists/delta/">&lt;Delta&gt;</a>' in page
    assert '<a href="/artists/eta/">Eta</a>, <a href="/artists/theta/">Theta</a>' in page


@pytest.mark.parametrize("component", ["songs.card", "songs.line"])
def test_cards_and_lines_lead_to_each_artist(duet: Song, component: str) -> None:
    shown = render_component(component, duet)
    assert '<a href="/artists/alpha/">Alpha</a>, <a href="/artists/beta/">Beta</a>' in shown
    assert "Unknown artist" in render_component(component, Song(pk=1, title="A"))


def test_curation_leads_to_each_artist(duet: Song) -> None:
    correction = SimpleNamespace(song=duet, action=SimpleNamespace(pk=1))
    shown = render_to_string("recommender/alike.html", {"correction": correction, "songs": [(duet, "0.9", 0, False)]})
    assert '<a href="/artists/alpha/">Alpha</a>, <a href="/artists/beta/">Beta</a>' in shown


def test_the_player_is_told_where_each_artist_leads(duet: Song, root: LibraryRoot) -> None:
    written = make_song("A", 'Eta "x" ft. Theta', artists=['Eta "x"', "Theta"], root=root, path="a.mp3")
    shown = html.unescape(render_component("songs.data", written).split('data-artists="')[1].split('" data-')[0])
    assert json.loads(shown) == [['Eta "x"', "/artists/eta%20x/"], [" ft. ", ""], ["Theta", "/artists/theta/"]]
    assert json.loads(artists_data(duet)) == [["Alpha", "/artists/alpha/"], [", ", ""], ["Beta", "/artists/beta/"]]
    assert json.loads(artists_data(Song(title="A"))) == []


def test_an_address_with_a_joiner_still_leads_to_the_artist(client: Client, listener: User, root: LibraryRoot) -> None:
    make_song("A", "Simon & Garfunkel", root=root, path="a.mp3")
    for key in ("simon garfunkel", "simon and garfunkel"):
        assert client.get(f"/artists/{quote(key)}/").context["artist"].name == "Simon & Garfunkel"


def test_artists_are_listed_one_by_one(duet: Song, root: LibraryRoot) -> None:
    make_song("Solo", "Alpha", root=root, path="solo.mp3")
    song_index.reset()
    assert [(one.name, one.songs) for one in artists()] == [("Alpha", 2), ("Beta", 1)]


def test_the_library_and_the_api_filter_by_one_artist(
    client: Client, listener: User, duet: Song, root: LibraryRoot
) -> None:
    other = make_song("Solo", "Beta", root=root, path="solo.mp3")
    make_song("Other", "Gamma", root=root, path="other.mp3")
    song_index.reset()
    found = client.get("/library/", {"artist": "beta"}).context["rows"]
    assert {row.song for row in found} == {duet, other}
    api = APIClient()
    api.force_authenticate(listener)
    answer = api.get("/api/songs/", {"artist": "Beta"}).json()["results"]
    assert {song["title"] for song in answer} == {"Duet", "Solo"}
    assert [song["artists"] for song in answer if song["title"] == "Duet"] == [["Alpha", "Beta"]]
    assert [song["artists"] for song in answer if song["title"] == "Solo"] == [["Beta"]]


@pytest.mark.parametrize("words", ["alpha & beta", "Beta and Alpha", "alpha feat. beta duet", "Alpha x Beta"])
def test_words_between_artists_need_not_be_written(client: Client, listener: User, duet: Song, words: str) -> None:
    song_index.reset()
    assert [row.song for row in client.get("/library/", {"q": words}).context["rows"]] == [duet]
    api = APIClient()
    api.force_authenticate(listener)
    assert [song["id"] for song in api.get("/api/songs/", {"search": words}).json()["results"]] == [duet.pk]


def test_the_filter_suggests_artists_one_by_one(client: Client, listener: User, duet: Song) -> None:
    song_index.reset()
    page = client.get("/library/artists/").content.decode()
    assert '"Alpha"' in page
    assert "Alpha, Beta" not in page


def test_the_songs_of_an_artist_and_guests_are_one_album(client: Client, listener: User, root: LibraryRoot) -> None:
    first = make_song("A", "Alpha", album="Album", root=root, path="x/a.mp3")
    make_song("B", "Alpha, Beta", artists=["Alpha", "Beta"], album="Album", root=root, path="x/b.mp3")
    assert len(client.get(f"/songs/{first.pk}/album/").context["album"].song_ids) == 2


# --- Matching -------------------------------------------------------------------------------------


@pytest.fixture
def find() -> Callable[[str, str], int | None]:
    """Finds songs among a duet of files, a solo of the same title, and a song known from plays."""
    index = NameIndex()
    index.add(Known(1), Description("Duet", "Alpha, Beta", artists=("Alpha", "Beta")), has_file=True)
    index.add(Known(2), Description("Duet", "Gamma"), has_file=True)
    index.add(Known(3), Description("Alone", "Beta"), has_file=True)
    index.add(Known(4), Description("Alone", "Alpha, Beta", artists=("Alpha", "Beta")), has_file=True)

    def found(artist: str, title: str) -> int | None:
        song = index.find(Description(title, artist))
        return None if song is None else song.pk

    return found


@pytest.mark.parametrize("joiner", [", ", " & ", " and ", " x ", " feat. ", " ft. ", " with ", "; "])
@pytest.mark.parametrize("names", [("Alpha", "Beta"), ("beta", "ALPHA")])
def test_a_duet_is_found_by_any_joiner_in_any_order_and_by_each_of_its_artists(
    find: Callable[[str, str], int | None], joiner: str, names: tuple[str, str]
) -> None:
    assert find(joiner.join(names), "Duet") == 1
    assert find(names[0], "Duet") == 1


def test_who_is_named_in_full_goes_first(find: Callable[[str, str], int | None]) -> None:
    assert find("Beta", "Alone") == 3
    assert find("Alpha & Beta", "Alone") == 4
    assert find("Alpha & Gamma", "Duet") is None


@pytest.mark.parametrize("joiner", [", ", " & ", " and ", " x ", " with "])
def test_whoever_is_joined_in_one_name_is_found_one_by_one(tmp_path: Path, joiner: str) -> None:
    song = make_song("Duet", f"Alpha{joiner}Beta", root=make_root(), path="a.flac")
    lines = [
        {"listened_at": 1_700_000_000 + at, "track_metadata": {"track_name": "Duet", "artist_name": name}}
        for at, name in enumerate(["Alpha", "Beta", "Beta & Alpha", "Gamma"])
    ]
    (tmp_path / "listens.jsonl").write_text("\n".join(map(json.dumps, lines)))
    call_command("import_plays", str(tmp_path / "listens.jsonl"), format="listenbrainz", user="rob", stdout=StringIO())
    plays = Play.objects.order_by("played_at").values_list("song", "song__artist")
    assert [(pk == song.pk, artist) for pk, artist in plays][:3] == 3 * [(True, song.artist)]
    assert plays[3][1] == "Gamma"


def test_a_file_of_several_artists_is_the_song_that_plays_have_named_after_one(tmp_path: Path) -> None:
    known = make_song("Duet", "Alpha")
    tag(write_tone(tmp_path / "a.flac", seconds=0.3), title="Duet", artist=["Alpha", "Beta"])
    call_command("import_music", str(tmp_path), stdout=StringIO())
    song = Song.objects.get()
    assert (song.pk, song.artist, song.artists) == (known.pk, "Alpha, Beta", ["Alpha", "Beta"])


def test_plays_list_artists_too(tmp_path: Path, duet: Song) -> None:
    line = {
        "listened_at": 1_700_000_000,
        "user_name": "rob",
        "track_metadata": {
            "track_name": "Duet",
            "artist_name": "Beta / Alpha",
            "additional_info": {"artist_names": ["Beta", "Alpha"]},
        },
    }
    (tmp_path / "listens.jsonl").write_text(json.dumps(line))
    call_command("import_plays", str(tmp_path / "listens.jsonl"), format="listenbrainz", stdout=StringIO())
    assert Play.objects.get().song == duet


# --- Folding --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [("ハハ", "パパ"), ("दाल", "दिल"), ("หมู", "หมี"), ("か", "が"), ("ঢাকা", "ঢাকি"), ("ບ້ານ", "ບານ")],
)
def test_marks_that_make_another_word_stay(one: str, other: str) -> None:
    assert title_key(one) != title_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("שָׁלוֹם", "שלום"),
        ("مُحَمَّد", "محمد"),
        ("محـــمد", "محمد"),
        ("ﾊﾟﾊﾟ", "パパ"),
        ("\uff21\uff22\uff23", "abc"),
        ("ﬁre", "fire"),
        ("Ёлка", "елка"),
        ("Ωραία", "ωραια"),
        ("Kamakawiwo\u02bbole", "Kamakawiwo'ole"),
        ("Kamakawiwo\uff07ole", "Kamakawiwo\u2032ole"),
        ("\u1112\u1161\u11ab\u1100\u116e\u11a8", "한국"),
    ],
)
def test_other_forms_of_the_same_letters_are_one(one: str, other: str) -> None:
    assert title_key(one) == title_key(other)
    assert artist_key(one) == artist_key(other)


@pytest.mark.parametrize("word", ["星", "地上", "の星", "หมู", "ตัวเล็ก", "랑", "비"])
def test_words_of_scripts_without_gaps_are_found_inside_titles(
    client: Client, listener: User, root: LibraryRoot, word: str
) -> None:
    wanted = make_song("地上の星とหมูตัวเล็ก사랑비", "中島", root=root, path="a.mp3")
    make_song("Other", "Somebody", root=root, path="b.mp3")
    song_index.reset()
    assert [row.song for row in client.get("/library/", {"q": word}).context["rows"]] == [wanted]
    api = APIClient()
    api.force_authenticate(listener)
    assert [song["id"] for song in api.get("/api/songs/", {"search": word}).json()["results"]] == [wanted.pk]
    assert wanted.title in client.get("/find/", {"q": word}).content.decode()


def test_an_upgrade_makes_the_keys_anew() -> None:
    migration = import_module("catalog.migrations.0011_names_as_they_are_matched")
    of_words = import_module("recommender.migrations.0010_keys_of_words")
    song = make_song("दाल", "Simon & Garfunkel feat. Somebody")
    make_song("Other", labels={"ロックパパ": 1.0})
    Song.objects.filter(pk=song.pk).update(title_key="द ल", artist_key="simon and garfunkel", artists=[])
    Label.objects.update(key="ロツクハハ")
    word = Word.objects.create(text="がか")
    Word.objects.filter(pk=word.pk).update(key="かか")

    # Without entering it: inside a transaction SQLite has none.
    editor = connection.schema_editor()
    migration.make_keys(apps, editor)
    of_words.make_keys(apps, editor)

    song.refresh_from_db()
    assert (song.title_key, song.artist_key) == ("दाल", "simon garfunkel")
    assert song.artists == ["Simon & Garfunkel", "Somebody"]
    assert Label.objects.get().key == "ロックパパ"
    word.refresh_from_db()
    assert word.key == "がか"
