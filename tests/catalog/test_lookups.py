"""What queries can ask besides what Django brings along."""

from __future__ import annotations

import pytest

from catalog.lookups import Numbers
from catalog.models import Song, SongIdentifier
from tests.factories import make_song

pytestmark = pytest.mark.django_db


def test_among_finds_what_in_finds() -> None:
    songs = [make_song(external_id=f"test:{number}") for number in range(3)]
    wanted = Numbers([songs[2].pk, songs[0].pk, 2**62])
    assert {song.pk for song in Song.objects.filter(pk__among=wanted)} == {songs[0].pk, songs[2].pk}
    assert set(SongIdentifier.objects.filter(song__among=wanted).values_list("value", flat=True)) == {
        "test:0",
        "test:2",
    }
    assert not Song.objects.filter(pk__among=Numbers([])).exists()


def test_nothing_but_numbers_gets_into_the_statement() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        Numbers(["1) OR (1=1"])  # type: ignore[list-item]
