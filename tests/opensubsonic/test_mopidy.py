"""Mopidy with mopidy-subidy, a music server of its own, plays what DCMRS has: through, without a loudspeaker."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer

from accounts.services.app_passwords import make_app_password
from catalog.models import Song
from catalog.services.playlists import make_playlist

from .mopidy import find_mopidy, running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]


def test_mopidy_leafs_searches_and_plays_songs_through(
    live_server: LiveServer, mira: User, songs: list[Song], tmp_path: Path
) -> None:
    command = find_mopidy()
    if command is None:
        missing = "no mopidy with mopidy-subidy (docs/opensubsonic.md): it played nothing"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    password = make_app_password(mira, "mopidy")[1]
    made = make_playlist(mira, "Mine", [songs[1].pk])
    with running(command, tmp_path, live_server.url, "mira", password) as mopidy:
        artists = mopidy.call("library.browse", uri="subidy:vdir:artists")
        nina = next(one["uri"] for one in artists if one["name"] == "Nina")
        [album] = [one["uri"] for one in mopidy.call("library.browse", uri=nina) if one["name"] == "Blue"]
        uris = [f"subidy:song:so-{song.pk}" for song in songs[:2]]
        assert [one["uri"] for one in mopidy.call("library.browse", uri=album)] == uris
        [found] = mopidy.call("library.search", query={"any": ["One"]})
        assert "One" in {track["name"] for track in found["tracks"]}
        assert {one["name"]: one["uri"] for one in mopidy.call("playlists.as_list")}["Mine"].endswith(f"pl-{made.pk}")

        mopidy.call("tracklist.add", uris=uris)
        mopidy.call("playback.play")
        for song in songs[:2]:
            begun, ended = mopidy.wait_for("track_playback_started"), mopidy.wait_for("track_playback_ended")
            assert begun["tl_track"]["track"]["uri"] == ended["tl_track"]["track"]["uri"] == f"subidy:song:so-{song.pk}"
            # In milliseconds: to its end, not given up.
            assert ended["time_position"] >= 900 * (song.duration_s or 0)
    assert "ERROR" not in (tmp_path / "log").read_text()
