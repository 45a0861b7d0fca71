"""The heart and the words on a song's page."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.models import CollectionOpinion, FavouriteSong
from catalog.services.song_merging import merge_songs, unmerge_song
from tests.audio import write_tone
from tests.factories import make_root, make_song

pytestmark = pytest.mark.django_db


def test_a_song_becomes_a_favourite_and_is_none_again(client: Client, listener: User) -> None:
    song = make_song("One")
    assert 'aria-pressed="false">' in client.get(song.get_absolute_url()).content.decode()
    answer = client.post(f"{song.get_absolute_url()}favourite/", headers={"HX-Request": "true"})
    assert "One is a favourite of yours" in answer.content.decode()
    assert FavouriteSong.objects.get().song == song
    assert client.post(f"{song.get_absolute_url()}favourite/", {"favourite": "0"}).status_code == 302
    assert not FavouriteSong.objects.exists()
    assert client.post(f"{song.get_absolute_url()}favourite/", {"favourite": "2"}).status_code == 400


def test_an_album_and_an_artist_become_favourites(client: Client, listener: User) -> None:
    song = make_song("One", "Nina", album="Blue")
    for address, name in (
        (f"{song.get_absolute_url()}album/favourite/", "Blue"),
        ("/favourites/artists/nina/", "Nina"),
    ):
        answer = client.post(address, headers={"HX-Request": "true"})
        assert f"{name} is a favourite of yours" in answer.content.decode()
    FavouriteSong.objects.create(user=listener, song=song)
    page = client.get("/favourites/").content.decode()
    assert page.index("<span>Blue</span>") < page.index("<span>Nina</span>") < page.index("1 favourite song")
    for page_address in (f"{song.get_absolute_url()}album/", "/artists/nina/"):
        assert 'aria-pressed="true"' in client.get(page_address).content.decode()
    assert client.post("/favourites/artists/nobody/").status_code == 404
    client.post("/favourites/artists/nina/", {"favourite": "0"})
    assert "<span>Nina</span>" not in client.get("/favourites/").content.decode()


def test_the_words_stand_on_the_page_with_their_times(client: Client, listener: User, tmp_path: Path) -> None:
    write_tone(tmp_path / "a.flac", 0.2)
    song = make_song("One", root=make_root(tmp_path), path="a.flac")
    address = f"{song.get_absolute_url()}lyrics/"
    assert client.get(address).content.strip() == b""
    (tmp_path / "a.lrc").write_text("[la:de]\n[00:01.50]<Wörter>\n")
    page = client.get(address).content.decode()
    assert '<li data-ms="1500">&lt;Wörter&gt;</li>' in page
    assert 'lang="de"' in page


def test_a_favourite_goes_over_to_the_song_that_another_becomes_part_of(listener: User) -> None:
    part, whole = make_song("One"), make_song("One (live)")
    FavouriteSong.objects.create(user=listener, song=part)
    merge_songs([part], whole)
    assert FavouriteSong.objects.get().song == whole
    again = unmerge_song(whole.merged.get())
    assert FavouriteSong.objects.get().song == again


def test_a_favourite_artist_leads_to_a_page_of_theirs_and_an_album_among_the_albums(
    client: Client, listener: User
) -> None:
    song = make_song("Sinnerman", "Nina Simone", album="Pastel Blues", root=make_root(), path="s.mp3")
    client.post("/favourites/artists/nina%20simone/")
    client.post(f"{song.get_absolute_url()}album/favourite/")
    page = client.get("/favourites/").content.decode()
    assert 'href="/artists/nina%20simone/"' in page
    assert 'href="/albums/?q=Pastel+Blues"' in page
    assert client.get("/artists/nina%20simone/").status_code == 200
    # One who was called otherwise when it was said is looked for.
    CollectionOpinion.objects.filter(kind=CollectionOpinion.Kind.ARTIST).update(name="Eunice Waymon")
    assert 'href="/artists/?q=Eunice+Waymon"' in client.get("/favourites/").content.decode()
