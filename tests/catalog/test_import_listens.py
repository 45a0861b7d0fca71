"""`import_plays --format listenbrainz`: events of listening."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import DjangoCaptureOnCommitCallbacks

from catalog.models import Listener, Play, PlayCount, Song, SongIdentifier
from catalog.services import plays
from catalog.signals import played
from tests.factories import make_root, make_song, make_user

pytestmark = pytest.mark.django_db

MBID = "mbid:b84ee12a-09ef-421b-82de-0441a926375b"
ISRC = "isrc:GBAYE0601498"
NOON = 1_700_000_000


def listen(at: int = NOON, title: str = "Ada", artist: str = "Anna", **more: Any) -> dict[str, Any]:
    """One line of an export; what is not of the line or the track goes to the additional information."""
    said: dict[str, Any] = {"listened_at": at, "user_name": more.pop("user", "rob")}
    track: dict[str, Any] = {"track_name": title, "artist_name": artist}
    if "album" in more:
        track["release_name"] = more.pop("album")
    return {**said, "track_metadata": {**track, "additional_info": more}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test writes its export."""
    return tmp_path / "listens.jsonl"


def import_listens(path: Path, *lines: dict[str, Any] | str, user: str = "", left_out: int = 0) -> str:
    """The command's report on a file of these lines; it fails where some are left out."""
    if lines:
        path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines), "utf-8")
    out = StringIO()
    said = rf"in part: \d+ lines were read and {left_out} left out"
    with pytest.raises(CommandError, match=said) if left_out else nullcontext():
        call_command("import_plays", str(path), format="listenbrainz", user=user, stdout=out)
    return out.getvalue()


def counts() -> dict[tuple[str, str], int]:
    """Plays by listener and title."""
    rows = PlayCount.objects.filter(origin="listenbrainz").values_list("user__username", "song__title", "count")
    return {(user, title): count for user, title, count in rows}


def test_a_listen_is_an_event_and_a_count(file: Path) -> None:
    report = import_listens(file, listen(NOON), listen(NOON + 60), listen(NOON, "Bea", album="B"), listen(user="eve"))
    assert counts() == {("rob", "Ada"): 2, ("rob", "Bea"): 1, ("eve", "Ada"): 1}
    count = PlayCount.objects.get(user__username="rob", song__title="Ada")
    assert count.last_played == datetime.fromtimestamp(NOON + 60, UTC)
    moments = Play.objects.filter(user=count.user, song=count.song).values_list("played_at", "skipped", "origin")
    assert set(moments) == {(datetime.fromtimestamp(at, UTC), False, "listenbrainz") for at in (NOON, NOON + 60)}
    assert Song.objects.get(title="Bea").album == "B"
    assert User.objects.get(username="rob").listener.origin == Listener.Origin.IMPORTED
    assert "4 lines, 4 new plays, 2 new songs, 2 new listeners, 0 lines left out" in report


def test_events_count_once_however_often_and_in_however_many_files(file: Path) -> None:
    import_listens(file, listen(NOON), listen(NOON), listen(NOON + 60))
    import_listens(file, listen(NOON + 60), listen(NOON + 120))
    assert counts() == {("rob", "Ada"): 3}


def test_importing_listens_twice_changes_nothing_and_announces_nothing(
    file: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    # Each line could mean a song that a later one makes.
    lengths = [None, 203.0, 200.0, 201.5, 206.0, 204.4, None]
    lines = [
        listen(NOON + i, "The Ada" if i % 2 else "Ada", album="Live at Home" if i == 3 else "", duration=seconds)
        for i, seconds in enumerate(lengths)
    ]
    lines += [listen(NOON + 10, "Eve", recording_mbid=MBID[5:]), listen(NOON + 11, "Bea", isrc=ISRC[5:])]
    lines += [listen(NOON + 12, "Fee", recording_mbid=MBID[5:], isrc=ISRC[5:]), listen(NOON + 13, "Fee")]
    announced: list[object] = []

    def receive(**sent: object) -> None:
        announced.append(sent["user"])

    played.connect(receive)
    models = (User, Listener, Song, SongIdentifier, Play, PlayCount)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            import_listens(file, *lines)
        before = [list(model._default_manager.order_by("pk").values()) for model in models]
        assert announced == [None]
        with django_capture_on_commit_callbacks(execute=True):
            report = import_listens(file)
    finally:
        played.disconnect(receive)
    assert [list(model._default_manager.order_by("pk").values()) for model in models] == before
    assert len(announced) == 1
    assert f"{len(lines)} lines, 0 new plays, 0 new songs, 0 new listeners" in report


def test_a_song_is_found_by_what_the_player_sent_before_its_name(file: Path) -> None:
    root = make_root()
    by_id = make_song("Ada", "Anna", external_id=MBID, root=root, path="1.flac")
    by_isrc = make_song("Bea", "Anna", external_id=ISRC, root=root, path="2.flac")
    by_name = make_song("Eve", "Anna", root=root, path="3.flac")
    report = import_listens(
        file,
        listen(1, "Another", recording_mbid=MBID[5:].upper()),
        listen(2, "Eve", isrc="GB-AYE-06-01498"),
        listen(3, "EVE", "The Anna", recording_mbid="00000000-0000-0000-0000-000000000001"),
        listen(4, "Eve (Live)"),
    )
    assert list(Play.objects.order_by("played_at").values_list("song", flat=True)[:3]) == [
        by_id.pk,
        by_isrc.pk,
        by_name.pk,
    ]
    assert by_name.external_id == "mbid:00000000-0000-0000-0000-000000000001"
    assert "3 of 4 songs (75.0 %) and 3 of 4 plays (75.0 %) are of files in the library" in report


def test_of_two_files_of_one_name_the_length_and_the_album_decide(file: Path) -> None:
    root = make_root()
    short = make_song("Ada", "Anna", root=root, path="1.flac", duration_s=180.0, album="First")
    long = make_song("Ada", "Anna", root=root, path="2.flac", duration_s=300.0, album="Second")
    live = make_song("Ada", "Anna", root=root, path="3.flac", duration_s=301.0, album="Live at Home")
    import_listens(
        file,
        listen(1, duration_ms=181_000),
        listen(2, duration=302),
        listen(3, album="second"),
        listen(4, album="Live at Home"),
        listen(5, duration="240"),
    )
    songs = list(Play.objects.order_by("played_at").values_list("song", flat=True))
    assert songs[:4] == [short.pk, long.pk, long.pk, live.pk]
    assert Song.objects.get(pk=songs[4]).path == ""


def test_user_is_the_listener_of_lines_that_name_none(file: Path) -> None:
    anna = make_user("anna")
    nameless = listen(NOON)
    del nameless["user_name"]
    import_listens(file, nameless, listen(NOON + 1, user="rob"), user="anna")
    assert counts() == {("anna", "Ada"): 1, ("rob", "Ada"): 1}
    anna.refresh_from_db()
    assert anna.is_active
    assert not Listener.objects.filter(user=anna).exists()


def test_bad_lines_are_named_with_what_is_wrong_and_the_rest_goes_on(file: Path) -> None:
    nameless = listen(NOON)
    del nameless["user_name"]
    without_title = listen(NOON)
    del without_title["track_metadata"]["track_name"]
    report = import_listens(
        file,
        listen(NOON),
        "{",
        "[" * 50_000,
        "[]",
        "{}",
        nameless,
        without_title,
        listen(NOON, artist=" "),
        listen(NOON) | {"listened_at": None},
        listen(NOON) | {"listened_at": "noon"},
        listen(NOON) | {"listened_at": True},
        listen(-5),
        listen(10**18),
        listen(40_000_000_000),
        listen(NOON) | {"track_metadata": {"track_name": 7, "artist_name": "Anna"}},
        listen(NOON, user="x" * 151),
        listen(NOON + 1, "nul\0 and bell\x07", isrc=7, recording_mbid=["x"], duration="long", album=["x"]),
        left_out=15,
    )
    assert counts() == {("rob", "Ada"): 1, ("rob", "nul and bell"): 1}
    for line, why in {
        2: "not JSON",
        3: "not JSON",
        4: "not a JSON object",
        5: "no track_metadata",
        6: "no user_name, and no --user",
        7: "no track_name",
        8: "no artist_name",
        9: "no listened_at",
        10: "listened_at is no number of seconds since 1970",
        11: "listened_at is no number of seconds since 1970",
        12: "listened_at is no moment: -5",
        13: f"listened_at is no moment: {10**18}",
        14: "listened_at is in the future",
        15: "the track_name is no text",
        16: "the user_name is longer than 150 characters",
    }.items():
        assert f"Line {line} is left out: {why}\n" in report
    assert "15 lines left out" in report


def test_a_file_without_listens_fails_in_one_line(file: Path) -> None:
    with pytest.raises(CommandError, match="not one line could be used"):
        import_listens(file, "a\tb\t1")


def test_listens_are_read_and_stored_piece_by_piece(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plays, "READ_AT_ONCE", 7)
    import_listens(file, *(listen(NOON + i, f"song {i % 4}", user=f"user {i % 5}") for i in range(60)))
    assert counts() == {(f"user {i % 5}", f"song {i % 4}"): 3 for i in range(60)}
    assert Song.objects.count() == 4
