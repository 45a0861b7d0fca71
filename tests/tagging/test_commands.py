"""`taggers`, `tag_file` and `tag_songs` on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from catalog.home import PROJECT_ROOT
from catalog.models import LibraryRoot, Song
from tagging import tasks
from tagging.services import first_pass
from tagging.taggers import registry
from tests.audio import write_tone
from tests.factories import make_root, make_song
from tests.tagging.conftest import KINDS, Know, describe
from tests.tagging.server import serving


def run(*arguments: str) -> tuple[str, str]:
    """A command's standard output and standard error."""
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err, no_color=True)
    return out.getvalue(), err.getvalue()


def manage(home: Path, *arguments: str | bytes) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, on a home that nothing has been done in."""
    command: list[str | bytes] = [sys.executable, "manage.py", *arguments]
    environment = {**os.environ, "DCMRS_HOME": str(home)}
    return subprocess.run(
        command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False, errors="replace"
    )


# --- taggers ------------------------------------------------------------------------------------


def test_taggers_are_listed_with_what_is_installed(know: Know, weights: Path) -> None:
    know("first", "second")
    registry.install("second", weights)
    out, _ = run("taggers")
    assert run("taggers", "list")[0] == out
    assert "first\n" in out
    assert "manage.py taggers install first" in out
    assert "second (default)\n" in out
    assert "4 labels" in out
    assert "CC0-1.0" in out


def test_a_tagger_is_downloaded_and_verified(know: Know, weights: Path) -> None:
    with serving(weights.read_bytes()) as address:
        know(describe("first", weights, address=address))
        assert "first is installed in" in run("taggers", "install", "first")[0]
    assert run("taggers", "verify")[0] == "first: as it should be\n"


def test_taggers_are_installed_from_a_file_and_from_a_folder(know: Know, weights: Path) -> None:
    know("first", "second")
    assert "first is installed" in run("taggers", "install", "first", "--from", str(weights))[0]
    out, _ = run("taggers", "install", "--from", str(weights.parent))
    assert "first is installed" in out
    assert "second is installed" in out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["install", "third"], "no tagger is called third: there are first, second"),
        (["install"], r"name a tagger \(first, second\), or a folder with --from"),
        (["install", "--from", "/nowhere"], "name a tagger"),
        (["install", "first", "--from", "/nowhere"], "/nowhere: No such file or directory"),
        (["verify"], "no tagger is installed: manage.py taggers install first"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(arguments: list[str], line: str, know: Know) -> None:
    know("first", "second")
    with pytest.raises(CommandError, match=line) as caught:
        run("taggers", *arguments)
    assert "\n" not in str(caught.value)


def test_an_interrupted_installation_is_said_in_one_line(
    know: Know, weights: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know("first", "second")
    registry.install("first", weights)

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tagging.taggers.registry.install", interrupt)
    with pytest.raises(CommandError, match="interrupted: what is installed stays") as caught:
        run("taggers", "install", "second")
    assert caught.value.returncode == 130
    assert registry.verify() == {"first": True}


def test_damaged_weights_are_named(tagger: str) -> None:
    weights = registry.describe(tagger).weights
    assert weights is not None
    weights.write_bytes(b"damaged")
    with pytest.raises(CommandError, match="damaged: first"):
        run("taggers", "verify")


# --- tag_file -----------------------------------------------------------------------------------


def test_every_label_of_every_file_is_printed_as_json(tagger: str, tmp_path: Path) -> None:
    paths = [str(write_tone(tmp_path / name, seconds=1.0)) for name in ("a.ogg", "b.flac", "c.m4a")]
    out, err = run("tag_file", *paths, "--format", "json")
    predicted = json.loads(out)
    assert [one["file"] for one in predicted] == paths
    for one in predicted:
        assert set(one) == {"file", "model", "labels"}
        assert one["model"] == tagger
        assert list(one["labels"]) == list(KINDS)
        assert all(isinstance(probability, float) and 0 < probability < 1 for probability in one["labels"].values())
    assert err == ""


def test_probabilities_are_printed_unrounded(tagger: str, tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.ogg", seconds=1.0)
    (one,) = json.loads(run("tag_file", str(path), "--format", "json")[0])
    from tagging.networks.inference import predict_file

    (predicted,) = predict_file(path, [registry.load(tagger)])
    assert np.array_equal(np.array(list(one["labels"].values()), np.float32), predicted.probabilities)


def test_a_bad_file_among_good_ones_is_named_and_the_rest_goes_on(tagger: str, tmp_path: Path) -> None:
    good = str(write_tone(tmp_path / "good.ogg", seconds=1.0))
    bad = str(tmp_path / "bad.mp3")
    Path(bad).write_text("no music")
    out, err = run("tag_file", bad, good, str(tmp_path), "--format", "json")
    first, second, third = json.loads(out)
    assert first == {"file": bad, "model": tagger, "error": "not an audio file, or a damaged one"}
    assert set(second["labels"]) == set(KINDS)
    assert third["error"] == "a folder"
    assert f"{bad}: not an audio file, or a damaged one" in err


def test_only_bad_files_are_an_error_after_the_json(tagger: str, tmp_path: Path) -> None:
    out, err = StringIO(), StringIO()
    nowhere = str(tmp_path / "nowhere.mp3")
    with pytest.raises(CommandError, match=r"nowhere\.mp3 cannot be read"):
        call_command("tag_file", nowhere, format="json", stdout=out, stderr=err)
    assert json.loads(out.getvalue()) == [{"file": nowhere, "model": tagger, "error": "no such file"}]


def test_the_table_shows_what_a_song_would_keep(know: Know, weights: Path, tmp_path: Path) -> None:
    know(describe("all", weights), describe("none", weights, operating_point=1.0))
    for name in ("all", "none"):
        registry.install(name, weights)
    path = str(write_tone(tmp_path / "a.ogg", seconds=1.0))
    out, _ = run("tag_file", path)
    assert out.splitlines()[0] == path
    assert len(out.splitlines()) == 1 + len(KINDS)
    assert "(genre)" in out
    assert "no label stands out" in run("tag_file", path, "--model", "none")[0]


def test_without_a_tagger_it_is_said_how_to_install_one() -> None:
    for command in (["tag_file", "a.mp3"], ["tag_songs"], ["tag_songs", "--inline"]):
        with pytest.raises(CommandError, match=r"no tagger is installed: manage\.py taggers install jamendo-cnn"):
            run(*command)


@pytest.mark.long
@pytest.mark.shared
def test_files_are_tagged_without_a_database(shared: Path, tmp_path: Path) -> None:
    """As a stranger does it: nothing set up, files of every name."""
    home = tmp_path / "fresh"
    odd = tmp_path / os.fsdecode(b"na\xefve \xff.ogg")
    write_tone(tmp_path / "tone.ogg", seconds=1.0).rename(odd)
    assert manage(home, "taggers", "install", "--from", str(shared / "weights")).returncode == 0
    answer = manage(home, "tag_file", os.fsencode(odd), "--model", "msd-crnn", "--format", "json")
    assert answer.returncode == 0, answer.stderr
    (one,) = json.loads(answer.stdout)
    assert len(one["labels"]) == 50
    table = manage(home, "tag_file", os.fsencode(odd))
    assert table.returncode == 0, table.stderr
    assert not list(home.glob("*.sqlite3"))
    missing = manage(home, "tag_file", "nowhere.mp3")
    assert missing.returncode == 1
    assert missing.stderr.splitlines()[-1] == "CommandError: nowhere.mp3 cannot be read"


# --- tag_songs ----------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> LibraryRoot:
    return make_root(tmp_path / "music")


def songs(root: LibraryRoot, *pitches: int) -> list[Song]:
    return [
        make_song(f"{hz} Hz", root=root, path=write_tone(root.folder / f"{hz}.ogg", seconds=1.0, hz=hz).name)
        for hz in pitches
    ]


def states() -> set[str]:
    return set(Song.objects.values_list("tagging_state", flat=True))


def make_broken_song(root: LibraryRoot) -> None:
    root.folder.mkdir(exist_ok=True)
    (root.folder / "broken.mp3").write_bytes(b"no music")
    make_song("Broken", root=root, path="broken.mp3")


@pytest.mark.django_db
def test_songs_are_tagged_here(tagger: str, root: LibraryRoot) -> None:
    songs(root, 300, 400, 500)
    assert run("tag_songs", "--inline")[0] == "3 songs tagged, 0 failed.\n"
    assert states() == {"done"}
    assert run("tag_songs", "--inline")[0] == "Nothing is pending: 3 songs are tagged, 0 failed.\n"
    assert run("tag_songs", "--inline", "--all")[0] == "3 songs tagged, 0 failed.\n"


@pytest.mark.django_db
def test_a_song_that_fails_is_named(tagger: str, root: LibraryRoot) -> None:
    songs(root, 300)
    make_broken_song(root)
    out, err = run("tag_songs", "--inline")
    assert out == "1 songs tagged, 1 failed.\n"
    assert "broken.mp3: " in err


@pytest.mark.django_db
def test_a_song_whose_file_is_not_there_waits_for_it(
    tagger: str, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    songs(root, 300)
    gone = make_song("Gone", root=root, path="gone.mp3")
    assert run("tag_songs", "--inline")[0] == (
        "1 songs tagged, 0 failed. 1 wait for their files, which are not there.\n"
    )
    monkeypatch.setattr(tasks, "workers", lambda: ["worker@here"])
    monkeypatch.setattr(tasks, "call_worker", lambda *_: True)
    monkeypatch.setattr("tagging.management.commands.tag_songs.PATIENCE_S", 0.0)
    monkeypatch.setattr("tagging.management.commands.tag_songs.LOOK_EVERY_S", 0.01)
    assert run("tag_songs")[0] == "0 songs tagged, 0 failed. 1 wait for their files, which are not there.\n"
    gone.refresh_from_db()
    assert (gone.tagging_state, gone.tagging_attempts) == ("pending", 0)


@pytest.mark.django_db
def test_only_failures_are_an_error(tagger: str, root: LibraryRoot) -> None:
    make_broken_song(root)
    with pytest.raises(CommandError, match="none of 1 songs could be tagged"):
        run("tag_songs", "--inline")


@pytest.mark.django_db
def test_one_tagger_is_asked(know: Know, weights: Path, root: LibraryRoot) -> None:
    for name in know("first", "second"):
        registry.install(name, weights)
    (song,) = songs(root, 300)
    run("tag_songs", "--inline", "--model", "second")
    assert set(song.song_labels.values_list("origin", flat=True)) == {"second"}
    run("tag_songs", "--inline")
    assert set(song.song_labels.values_list("origin", flat=True)) == {"first", "second"}
    with pytest.raises(CommandError, match="no tagger is called third"):
        run("tag_songs", "--inline", "--model", "third")


@pytest.mark.django_db
def test_without_a_worker_it_is_said_what_to_do_and_everything_stays_pending(tagger: str, root: LibraryRoot) -> None:
    songs(root, 300, 400)
    with pytest.raises(CommandError, match=r"no worker is running, 2 songs stay pending: manage.py up .* --inline"):
        run("tag_songs")
    assert states() == {"pending"}


@pytest.mark.django_db
def test_a_worker_is_called_and_watched(tagger: str, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    songs(root, 300, 400)
    make_broken_song(root)
    called: list[Any] = []

    def worker(names: Any) -> bool:
        called.append(names)
        first_pass.tag_pending(names)
        return True

    monkeypatch.setattr(tasks, "workers", lambda: ["worker@here"])
    monkeypatch.setattr(tasks, "call_worker", worker)
    out, err = run("tag_songs", "--model", tagger)
    assert called == [[tagger]]
    assert out == "2 songs tagged, 1 failed.\n"
    assert "broken.mp3: " in err


@pytest.mark.django_db
def test_a_worker_that_goes_away_is_not_waited_for(
    tagger: str, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    songs(root, 300)
    answers = iter([["worker@here"], []])
    monkeypatch.setattr(tasks, "workers", lambda: next(answers))
    monkeypatch.setattr(tasks, "call_worker", lambda *_: True)
    monkeypatch.setattr("tagging.management.commands.tag_songs.PATIENCE_S", 0.0)
    monkeypatch.setattr("tagging.management.commands.tag_songs.LOOK_EVERY_S", 0.01)
    with pytest.raises(CommandError, match="the worker is gone, 1 songs stay pending"):
        run("tag_songs")


@pytest.mark.django_db
def test_what_a_killed_process_had_begun_is_taken_over(
    tagger: str, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.utils import timezone

    begun, _ = songs(root, 300, 400)
    Song.objects.filter(pk=begun.pk).update(tagging_state="running", tagging_changed_at=timezone.now())
    monkeypatch.setattr(first_pass, "STALE_AFTER", first_pass.STALE_AFTER / 100)
    monkeypatch.setattr("tagging.management.commands.tag_songs.LOOK_EVERY_S", 0.05)
    assert run("tag_songs", "--inline")[0] == "2 songs tagged, 0 failed.\n"
    assert states() == {"done"}


@pytest.mark.django_db
def test_an_interruption_is_said_in_one_line(tagger: str, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    songs(root, 300, 400)

    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(first_pass, "tag_pending", interrupt)
    with pytest.raises(CommandError, match="interrupted: 2 songs stay pending") as caught:
        run("tag_songs", "--inline")
    assert caught.value.returncode == 130
