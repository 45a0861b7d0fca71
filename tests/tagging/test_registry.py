"""What is known of the taggers, and how their weights come here: whole and as published, or not at all."""

from __future__ import annotations

import re
import resource
import socket
from dataclasses import replace
from email.message import Message
from io import BytesIO
from pathlib import Path
from urllib.request import Request

import numpy as np
import pytest

from catalog.models import Label
from tagging.networks.descriptions import published
from tagging.networks.published_networks import NETWORKS
from tagging.taggers import installing, registry
from tagging.taggers.registry import NotInstalled, TaggerError
from tests.tagging.conftest import Know, describe
from tests.tagging.server import serving


def here(home: Path) -> list[str]:
    """The names of everything in the folder of installed taggers."""
    return sorted(path.name for path in (home / "models").glob("*")) if (home / "models").exists() else []


# --- What is known ------------------------------------------------------------------------------


def test_the_published_taggers_are_known_as_their_authors_describe_them() -> None:
    assert list(registry.known()) == [
        "jamendo-cnn",
        "msd-crnn",
        "musicnn-msd",
        "musicnn-mtt",
        "fcn-msd",
        "fcn-mtt",
        "fcn-jamendo",
        "musicnn-jamendo",
    ]
    jamendo, msd = (published()[name] for name in ("jamendo-cnn", "msd-crnn"))
    assert jamendo.sha256 == "c1d6bee6bc25d78b28cea52bde68a353b3e674687171a78af020fa039d3cbdbe"
    assert msd.sha256 == "783d8198417fd5d6ceee551dea5ec3e7f0210ec743af4819172b5c943044081c"
    assert " ".join(label.name for label in jamendo.labels) == (
        "action adventure advertising background ballad calm children christmas commercial cool corporate dark deep "
        "documentary drama dramatic dream emotional energetic epic fast film fun funny game groovy happy heavy "
        "holiday hopeful inspiring love meditative melancholic melodic motivational movie nature party positive "
        "powerful relaxing retro romantic sad sexy slow soft soundscape space sport summer trailer travel upbeat "
        "uplifting"
    )
    assert ", ".join(label.name for label in msd.labels) == (
        "rock, pop, alternative, indie, electronic, female vocalists, dance, 00s, alternative rock, jazz, beautiful, "
        "metal, chillout, male vocalists, classic rock, soul, indie rock, Mellow, electronica, 80s, folk, 90s, chill, "
        "instrumental, punk, oldies, blues, hard rock, ambient, acoustic, experimental, female vocalist, guitar, "
        "Hip-Hop, 70s, party, country, easy listening, sexy, catchy, funk, electro, heavy metal, Progressive rock, "
        "60s, rnb, indie pop, sad, House, happy"
    )


def test_every_description_is_complete() -> None:
    for tagger in published().values():
        assert tagger.network in NETWORKS
        assert tagger.address.startswith("https://")
        assert len(tagger.sha256) == 64
        assert tagger.bytes > 0
        assert tagger.licence
        assert tagger.source
        assert tagger.score or tagger.truth
        for label in tagger.labels:
            assert label.kind in Label.Kind.values
            assert 0 < label.operating_point < 0.5


def test_an_unknown_tagger_is_refused_with_the_known_ones() -> None:
    for refuse in (registry.describe, registry.load, registry.install):
        with pytest.raises(
            TaggerError, match="no tagger is called musicnn: there are jamendo-cnn, msd-crnn, musicnn-msd,"
        ):
            refuse("musicnn")


def test_with_no_tagger_here_it_is_said_how_to_install_one() -> None:
    assert registry.installed() == []
    with pytest.raises(NotInstalled, match="taggers install jamendo-cnn"):
        registry.default()
    with pytest.raises(NotInstalled, match="taggers install msd-crnn"):
        registry.load("msd-crnn")


def test_the_default_is_the_first_that_is_installed(know: Know, weights: Path) -> None:
    know("first", "second")
    registry.install("second", weights)
    assert registry.default() == "second"
    registry.install("first", weights)
    assert registry.default() == "first"
    assert registry.installed() == ["first", "second"]


# --- From files ---------------------------------------------------------------------------------


def test_weights_are_installed_from_a_file(know: Know, weights: Path, home: Path) -> None:
    know("first")
    place = registry.install("first", weights)
    assert place == home / "models" / "first.pth"
    assert place.read_bytes() == weights.read_bytes()
    assert here(home) == ["first.pth"]
    assert registry.load("first").predict(np.zeros((1, 96, 1366))).shape == (1, 4)


def test_weights_are_recognised_in_a_folder_whatever_they_are_called(
    know: Know, weights: Path, tmp_path: Path, home: Path
) -> None:
    folder = tmp_path / "downloads"
    folder.mkdir()
    (folder / "best_model (1).bin").write_bytes(weights.read_bytes())
    (folder / "of the same size").write_bytes(bytes(weights.stat().st_size))
    (folder / "first.pth").write_text("not what it says")
    (folder / "deeper").mkdir()
    know("first", replace(describe("other", weights), sha256="0" * 64))
    assert registry.install_from_folder(folder) == {"first": home / "models" / "first.pth"}
    assert registry.installed() == ["first"]
    assert registry.install("first", folder) == home / "models" / "first.pth"
    with pytest.raises(TaggerError, match=r"no file in .* holds the weights of other"):
        registry.install("other", folder)


def test_a_folder_without_weights_is_refused(know: Know, tmp_path: Path) -> None:
    know("first")
    with pytest.raises(TaggerError, match="no file in"):
        registry.install_from_folder(tmp_path)
    with pytest.raises(TaggerError, match="is not a folder"):
        registry.install_from_folder(tmp_path / "nowhere")


def bad_copies(content: bytes) -> dict[str, bytes]:
    """Weights as they must not be installed, by what is said of them."""
    return {
        "cut off": content[:-1000],
        "checksum is wrong": content[:-1] + bytes([content[-1] ^ 1]),
        "larger than": content + b"!",
    }


@pytest.mark.parametrize("what", ["cut off", "checksum is wrong", "larger than"])
@pytest.mark.parametrize("installed_before", [False, True])
def test_bad_weights_leave_everything_as_it_was(
    what: str, installed_before: bool, know: Know, weights: Path, tmp_path: Path, home: Path
) -> None:
    know("first")
    if installed_before:
        registry.install("first", weights)
    before = here(home)
    bad = tmp_path / "bad.pth"
    bad.write_bytes(bad_copies(weights.read_bytes())[what])
    with pytest.raises(TaggerError, match=what):
        registry.install("first", bad)
    assert here(home) == before
    assert registry.verify() == dict.fromkeys(["first"] if installed_before else [], True)


def test_a_file_that_is_not_there_is_refused(know: Know, tmp_path: Path) -> None:
    know("first")
    with pytest.raises(TaggerError, match=r"nowhere\.pth: No such file"):
        registry.install("first", tmp_path / "nowhere.pth")


def test_a_home_that_cannot_be_written_is_refused(know: Know, weights: Path, home: Path) -> None:
    know("first")
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file in the folder's place")
    with pytest.raises(TaggerError):
        registry.install("first", weights)


def test_a_full_disk_is_named_by_where_the_taggers_lie(know: Know, weights: Path, home: Path) -> None:
    know("first")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (weights.stat().st_size // 2, hard))
    try:
        with pytest.raises(TaggerError, match=rf"^{re.escape(str(home / 'models'))}: File too large$"):
            registry.install("first", weights)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list((home / "models").iterdir())


def test_weights_that_are_damaged_where_they_lie_are_not_loaded(know: Know, weights: Path) -> None:
    know("first")
    place = registry.install("first", weights)
    place.write_bytes(place.read_bytes()[:-1] + b"!")
    assert registry.verify() == {"first": False}
    with pytest.raises(TaggerError, match="damaged"):
        registry.load("first")
    registry.install("first", weights)
    assert registry.verify() == {"first": True}


# --- Downloads ----------------------------------------------------------------------------------


def know_at(know: Know, weights: Path, address: str) -> None:
    know(describe("first", weights, address=address))


def test_weights_are_downloaded(know: Know, weights: Path, home: Path) -> None:
    with serving(weights.read_bytes()) as address:
        know_at(know, weights, address)
        registry.install("first")
    assert here(home) == ["first.pth"]
    assert registry.verify() == {"first": True}


@pytest.mark.parametrize("what", ["cut off", "checksum is wrong", "larger than"])
def test_a_bad_download_leaves_what_was_installed(what: str, know: Know, weights: Path, home: Path) -> None:
    with serving(bad_copies(weights.read_bytes())[what]) as address:
        know_at(know, weights, address)
        registry.install("first", weights)
        with pytest.raises(TaggerError, match=what):
            registry.install("first")
    assert here(home) == ["first.pth"]
    assert registry.verify() == {"first": True}


def test_a_connection_that_breaks_off_leaves_what_was_installed(know: Know, weights: Path, home: Path) -> None:
    content = weights.read_bytes()
    with serving(content[: len(content) // 2], promised=len(content)) as address:
        know_at(know, weights, address)
        registry.install("first", weights)
        with pytest.raises(TaggerError, match=r"broke off|cut off"):
            registry.install("first")
    assert here(home) == ["first.pth"]
    assert registry.verify() == {"first": True}


def test_an_answer_that_is_an_error_is_said_in_one_line(know: Know, weights: Path, home: Path) -> None:
    with serving(b"gone", status=404) as address:
        know_at(know, weights, address)
        with pytest.raises(TaggerError, match=r"127\.0\.0\.1 answers 404 Not Found for http.*--from FILE") as caught:
            registry.install("first")
    assert "\n" not in str(caught.value)
    assert here(home) == []


def test_without_a_network_it_is_said_in_one_line_how_else(know: Know, weights: Path, home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    know_at(know, weights, f"http://127.0.0.1:{port}/weights.pth")
    with pytest.raises(TaggerError, match=r"cannot be reached.*--from FILE") as caught:
        registry.install("first")
    assert "\n" not in str(caught.value)
    assert here(home) == []


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever(
    know: Know, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installing, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        know_at(know, weights, f"http://127.0.0.1:{silent.getsockname()[1]}/weights.pth")
        with pytest.raises(TaggerError, match="--from FILE"):
            registry.install("first")


def test_a_redirection_is_followed(know: Know, weights: Path) -> None:
    with serving(weights.read_bytes()) as there, serving(b"", status=302, to=there) as address:
        know_at(know, weights, address)
        registry.install("first")
    assert registry.verify() == {"first": True}


def test_a_redirection_never_leaves_https() -> None:
    request = Request("https://example.org/weights.pth")
    redirect = installing._StayWithHttps().redirect_request
    with pytest.raises(TaggerError, match="without HTTPS"):
        redirect(request, BytesIO(), 302, "Found", Message(), "http://example.org/weights.pth")
    followed = redirect(request, BytesIO(), 302, "Found", Message(), "https://elsewhere.example.org/weights.pth")
    assert followed is not None
