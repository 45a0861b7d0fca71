"""Texts are sent compressed, to whoever takes them so."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.test import Client

from tests.audio import write_tone
from tests.factories import make_root, make_song, make_user

pytestmark = pytest.mark.django_db
ACCEPTS = {"Accept-Encoding": "gzip, br"}


@pytest.fixture(autouse=True)
def _logged_in(client: Client) -> None:
    client.force_login(make_user("ada"))


def test_a_page_of_many_songs_is_sent_in_a_fraction_of_its_size(client: Client) -> None:
    root = make_root()
    for number in range(30):
        make_song(f"Song {number}", "Nina", root=root, path=f"{number}.mp3")
    plain = client.get("/library/")
    assert "Content-Encoding" not in plain.headers
    page = client.get("/library/", headers=ACCEPTS)
    assert page["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in page["Vary"]
    assert len(page.content) < len(plain.content) / 4
    assert "Song 29" in gzip.decompress(page.content).decode()


def test_a_song_is_sent_as_it_is_and_can_be_sought_in(client: Client, tmp_path: Path) -> None:
    write_tone(tmp_path / "a.ogg", 3)
    song = make_song("Song", root=make_root(tmp_path), path="a.ogg")
    part = client.get(f"/songs/{song.pk}/audio", headers={**ACCEPTS, "Range": "bytes=0-99"})
    assert part.status_code == 206
    assert "Content-Encoding" not in part.headers
    assert part["Content-Length"] == "100"
