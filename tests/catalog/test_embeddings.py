"""Songs' embeddings: one a song, of one version, small on disk and read at once."""

from __future__ import annotations

import numpy as np
import pytest
from django.test import Client

from catalog.models import PublishedEmbedding, Song, SongEmbedding
from catalog.services.embeddings import embeddings, store_embedding
from catalog.services.song_merging import merge_songs
from tests.factories import make_root, make_song, make_user

pytestmark = pytest.mark.django_db


def vectors(n: int, d: int = 256) -> np.ndarray:
    return np.abs(np.random.default_rng(4).normal(0.0, 3.0, (n, d))).astype(np.float32)


def test_what_was_stored_is_read_in_the_order_of_the_songs() -> None:
    songs, stored = [make_song() for _ in range(5)], vectors(5)
    for song, vector in reversed(list(zip(songs, stored, strict=True))):
        store_embedding(song, "dcmrs-1", vector)
    ids, read, model = embeddings()
    assert ids.tolist() == [song.pk for song in songs]
    assert (ids.dtype, read.dtype) == (np.dtype(np.int64), np.dtype(np.float32))
    assert (read.shape, model) == ((5, 256), "dcmrs-1")
    assert np.allclose(read, stored, rtol=1e-3, atol=1e-4)


def test_an_embedding_takes_512_bytes() -> None:
    song = make_song()
    store_embedding(song, "dcmrs-1", vectors(1)[0])
    assert len(SongEmbedding.objects.get(song=song).vector) == 512


def test_a_song_has_one_embedding_the_last_one() -> None:
    song, (first, second) = make_song(), vectors(2)
    store_embedding(song, "dcmrs-1", first)
    store_embedding(song, "dcmrs-2", second)
    ids, read, model = embeddings()
    assert (ids.tolist(), model) == ([song.pk], "dcmrs-2")
    assert np.allclose(read[0], second, rtol=1e-3, atol=1e-4)


def test_only_one_version_is_read_at_a_time_by_itself_the_one_that_most_songs_have() -> None:
    for number, vector in enumerate(vectors(5)):
        store_embedding(make_song(), "new" if number < 3 else "old", vector)
    assert (embeddings()[2], len(embeddings()[0])) == ("new", 3)


@pytest.mark.parametrize(("n_published", "served"), [(0, "dcmrs-1"), (8, "dcmrs-1"), (9, "musicnn"), (10, "musicnn")])
def test_published_embeddings_serve_once_they_cover_the_library_and_are_never_mixed(
    n_published: int, served: str
) -> None:
    root = make_root()
    songs = [make_song(f"song {number}", root=root, path=f"{number}.flac") for number in range(10)]
    # A song without a file cannot be heard again: it keeps nobody waiting.
    for song in [*songs, make_song("gone"), make_song("gone too")]:
        store_embedding(song, "dcmrs-1", np.ones(256))
    for song in songs[:n_published]:
        store_embedding(song, "musicnn", np.full(400, 2.0), PublishedEmbedding)
    ids, read, model = embeddings()
    assert model == served
    assert read.shape == ((12, 256) if served == "dcmrs-1" else (n_published, 400))
    assert len(ids) == len(read)
    assert SongEmbedding.objects.count() == 12


def test_where_no_song_has_one_there_are_none() -> None:
    make_song()
    ids, read, model = embeddings()
    assert (ids.size, len(read), model) == (0, 0, "")


@pytest.mark.parametrize("vector", [[], [[1.0]], 1.0, [np.nan], [np.inf], [1e6]])
def test_what_is_no_vector_is_refused(vector: object) -> None:
    with pytest.raises(ValueError, match="vector must"):
        store_embedding(make_song(), "dcmrs-1", vector)  # type: ignore[arg-type]
    assert not SongEmbedding.objects.exists()


def test_it_goes_with_the_song() -> None:
    song = make_song()
    store_embedding(song, "dcmrs-1", vectors(1)[0])
    song.delete()
    assert not SongEmbedding.objects.exists()


def test_a_song_that_others_are_merged_into_keeps_its_own() -> None:
    mine, other = make_song("Ada", root=make_root(), path="ada.flac"), make_song("Ada")
    store_embedding(mine, "dcmrs-1", vectors(1)[0])
    merge_songs([other], mine)
    assert SongEmbedding.objects.get().song == mine


def test_the_admin_says_that_there_is_one(client: Client) -> None:
    client.force_login(make_user("admin", is_staff=True, is_superuser=True))
    song = make_song()

    def page(of: Song) -> str:
        return client.get(f"/admin/catalog/song/{of.pk}/change/").content.decode()

    assert "icon-no.svg" in page(song)
    store_embedding(song, "dcmrs-1", vectors(1)[0])
    assert "icon-yes.svg" in page(song)
