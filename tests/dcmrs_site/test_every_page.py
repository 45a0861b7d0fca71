"""Every page of the site: each has its row in `tests/pages.py`, answers as said there, with as many queries as said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django.urls.exceptions import Resolver404

from catalog.models import Song
from catalog.services.listening import rate, record_play, refuse
from catalog.services.playlists import make_playlist
from tests.factories import make_root, make_song, make_user
from tests.pages import NO_PAGES, PAGES, PARTS, SitePage, fill

OF_DJANGO = {"login", "logout", "password_change", "password_change_done", "autocomplete", "jsi18n", "view_on_site"}
OF_FRAMEWORKS = re.compile(
    rf"^admin:({'|'.join(OF_DJANGO)}|app_list|.+_(changelist|add|history|delete|change))$|.*None$|^api-"
)
PLACES = {"song": 1, "artist": "nina", "label": 1, "playlist": 1, "title": "song", "label_name": "jazz"}
N_SONGS = 60


def names(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            space = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from names(pattern.url_patterns, prefix + space)
        else:
            yield f"{prefix}{pattern.name}"


def own_names() -> set[str]:
    """The names of the site's addresses, but for those that frameworks bring along."""
    return {name for name in names(get_resolver().url_patterns) if not OF_FRAMEWORKS.match(name)}


def shown() -> set[str]:
    """The names of the addresses that the table shows."""
    found = set()
    for row in [*PAGES, *PARTS]:
        try:
            found.add(resolve(fill(row.address, PLACES).partition("?")[0]).view_name)
        except Resolver404:
            assert row.status == 404, row.name
    return found


def test_every_address_has_its_row_or_is_no_page() -> None:
    assert own_names() - shown() - NO_PAGES == set()


def test_no_row_is_left_over() -> None:
    assert NO_PAGES & shown() == set()
    assert NO_PAGES - own_names() == set()
    rows = [row.name for row in [*PAGES, *PARTS]]
    assert sorted(set(rows)) == sorted(rows)


@pytest.fixture
def people(db: None, snapshots: Path) -> dict[str | None, User | None]:
    """A library of songs that sound different, and the people whom the table speaks of."""
    root = make_root()
    labels = ["jazz", "calm", "piano", "rock", "dark"]
    songs = [
        make_song(
            f"Song {number}",
            "Nina" if number % 3 == 0 else f"Artist {number % 17}",
            labels={labels[number % 5]: 0.9, labels[(number + number // 5) % 5 - 1]: 0.4},
            root=root,
            path=f"{number}.mp3",
            album="Album" if number % 2 else "",
            duration_s=200.0,
            tagging_state=Song.Tagging.DONE,
        )
        for number in range(N_SONGS)
    ]
    mira, boss = make_user("mira"), make_user("boss", is_staff=True, is_superuser=True)
    for number, song in enumerate(songs[:20]):
        rate(mira, song, 1 + number % 5)
        record_play(mira, song)
    for number in range(8):
        other = make_user()
        for song in songs[number : number + 20]:
            record_play(other, song)
    refuse(mira, songs[-1], True)
    make_playlist(mira, "Evening", [song.pk for song in songs[:30]])
    call_command("recompute")
    return {"mira": mira, "boss": boss, "newcomer": make_user("newcomer"), None: None}


def places(people: dict[str | None, User | None]) -> dict[str, object]:
    song = Song.objects.filter(artist_key="nina").exclude(album="").earliest("pk")
    mira = people["mira"]
    assert mira
    return PLACES | {
        "song": song.pk,
        "label": song.song_labels.earliest("pk").label_id,
        "playlist": mira.playlists.get().pk,
    }


def test_every_page_answers_with_as_many_queries_as_it_may_do(people: dict[str | None, User | None]) -> None:
    where = places(people)
    too_many = []
    for row in [*PAGES, *PARTS]:
        queries = queries_of(row, people[row.who], fill(row.address, where))
        if queries > row.queries:
            too_many.append(f"{row.name}: {queries} queries, {row.queries} at most")
    assert too_many == []


def queries_of(row: SitePage, who: User | None, address: str) -> int:
    """The queries of the second visit: the first one fills what is kept from page to page."""
    client = Client()
    if who:
        client.force_login(who)
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(address).status_code == row.status, row.name
    return len(queries)
