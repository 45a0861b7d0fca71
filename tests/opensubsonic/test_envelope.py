"""What every answer has in common: its forms, its errors, the ways to ask."""

from __future__ import annotations

import json
import tomllib
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.models import Song
from opensubsonic import answers, ids, views  # noqa: F401 (its endpoints register themselves)
from opensubsonic.registry import ENDPOINTS
from opensubsonic.written import JSON, XML, Form
from tests.conftest import PROJECT

from .player import Player
from .schemas import check_same

pytestmark = pytest.mark.django_db

TEXTS = st.text(max_size=20)
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(), TEXTS),
    lambda inner: st.one_of(
        st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, min_size=1, max_size=3), max_size=3),
        st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
    ),
    max_leaves=10,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES)
def test_xml_says_whatever_json_says(value: Any) -> None:
    answer = answers.succeeded({"thing": value})
    # Ends of lines at the edge of a text are the reader's, not the writer's.
    check_same(json.loads(answers.as_json(answer)), answers.as_xml(answer))


# Names that no other of the two pieces has.
OTHERS = st.dictionaries(st.sampled_from(["d", "e", "f"]), VALUES, max_size=3)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES, max_size=3), OTHERS, TEXTS)
def test_what_is_written_in_pieces_says_what_is_written_as_a_whole(
    one: dict[str, Any], more: dict[str, Any], text: str
) -> None:
    def answer(things: list[Any]) -> dict[str, Any]:
        return answers.succeeded({"list": {"title": text, "thing": things}})

    whole = answer([{**one, **more}, one])
    forms: list[Form] = [JSON, XML]
    in_json, in_xml = ([form.join([form.write(one), form.write(more)]), form.write(one)] for form in forms)
    assert json.loads(answers.as_json(answer(in_json))) == json.loads(answers.as_json(whole))
    check_same(json.loads(answers.as_json(whole)), answers.as_xml(answer(in_xml)))


def test_the_version_is_the_projects() -> None:
    assert tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"] == answers.SERVER_VERSION


@pytest.mark.parametrize("address", ["/rest/ping", "/rest/ping.view", "/rest/PING.view"])
def test_names_are_found_with_and_without_their_ending(client: Client, mira: User, address: str) -> None:
    answer = client.get(address, {"u": "mira", "p": "correct horse", "v": "1.13", "c": "x"})
    root = ElementTree.fromstring(answer.content)  # noqa: S314
    assert answer["Content-Type"] == "application/xml; charset=utf-8"
    assert root.attrib == {
        "status": "ok",
        "version": "1.16.1",
        "type": "dcmrs",
        "serverVersion": "1.0.0",
        "openSubsonic": "true",
    }


def test_a_form_can_be_posted(client: Client, mira: User) -> None:
    form = {"u": "mira", "p": "correct horse", "v": "1.16.1", "c": "x", "f": "json"}
    assert client.post("/rest/getUser.view", form, "application/x-www-form-urlencoded").status_code == 200
    body = "&".join(f"{name}={value.replace(' ', '+')}" for name, value in form.items())
    answer = client.post("/rest/getUser.view", body, "application/x-www-form-urlencoded")
    assert json.loads(answer.content)["subsonic-response"]["user"]["username"] == "mira"


def test_jsonp_calls_a_function_that_can_be_one(player: Player) -> None:
    answer = player.raw("ping", "jsonp", callback="page.heard")
    assert answer["Content-Type"] == "application/javascript; charset=utf-8"
    assert answer.content.startswith(b'/**/page.heard({"subsonic-response"')  # type: ignore[attr-defined]
    for callback in ("", "alert(1)//", "a b", "x" * 400):
        answer = player.raw("ping", "jsonp", callback=callback)
        assert answer["Content-Type"] == "application/json; charset=utf-8"
        assert json.loads(answer.content)["subsonic-response"]["error"]["code"] == 10  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("version", "code"), [("0.9", 20), ("1.17", 30), ("2.0.0", 30), ("x", 10), ("", 10), ("1" * 5000, 0)]
)
def test_players_of_another_version_are_told_so(client: Client, mira: User, version: str, code: int) -> None:
    form = {"u": "mira", "p": "correct horse", "v": version, "c": "x", "f": "json"}
    assert json.loads(client.get("/rest/ping", form).content)["subsonic-response"]["error"]["code"] == code


def test_a_player_says_its_name(client: Client, mira: User) -> None:
    form = {"u": "mira", "p": "correct horse", "v": "1.16.1", "f": "json"}
    assert json.loads(client.get("/rest/ping", form).content)["subsonic-response"]["error"]["code"] == 10


@pytest.mark.parametrize("name", ["nothing", "a/b", "%00", "get<b>"])
def test_what_is_no_call_is_said_to_be_none(player: Player, name: str) -> None:
    answer = player.raw(name)
    assert answer.status_code == 200
    assert json.loads(answer.content)["subsonic-response"]["error"]["code"] == 0  # type: ignore[attr-defined]


def test_pages_of_other_sites_may_read_answers(client: Client, player: Player) -> None:
    assert player.raw("ping")["Access-Control-Allow-Origin"] == "*"
    asked = client.options("/rest/getTranscodeDecision")
    assert (asked.status_code, asked["Access-Control-Allow-Headers"]) == (204, "Content-Type, Range")


def test_other_methods_are_refused_in_the_protocols_own_words(client: Client, mira: User) -> None:
    answer = client.delete("/rest/ping?u=mira&p=correct+horse&v=1.16.1&c=x&f=json")
    assert json.loads(answer.content)["subsonic-response"]["error"]["code"] == 0


def test_too_many_parameters_are_refused(player: Player, songs: list[Song]) -> None:
    many = ["so-1"] * 6000
    answer = player.client.get(f"/rest/savePlayQueue?{player.query(id=many, current='so-1')}")
    assert "5000" in json.loads(answer.content)["subsonic-response"]["error"]["message"]
    answer = player.client.get(f"/rest/ping?{player.query(x=['1'] * 10_001)}")
    # The form it was asked in is not known either.
    assert b'code="0"' in answer.content


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": "x"},
        {"size": "9" * 17},
        {"size": "9" * 5000},
        {"offset": "1e5"},
        {"size": "\u0661\u0662"},
        {"genre": "x" * 2000},
        {"musicFolderId": "x"},
    ],
)
def test_parameters_out_of_bounds_are_refused(player: Player, wrong: dict[str, str]) -> None:
    assert player.code("getAlbumList2", type="newest" if "genre" not in wrong else "byGenre", **wrong) == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("so-7", ("so", "7")),
        ("pl-9223372036854775807", ("pl", "9223372036854775807")),
        ("al-0123456789abcdef0123", ("al", "0123456789abcdef0123")),
        ("dl-for-you", ("dl", "for-you")),
        ("so-9223372036854775808", None),
        ("so-07", None),
        ("so-0", None),
        ("7", None),
        ("al-7", None),
        ("so-0123456789abcdef0123", None),
        ("so-7\n", None),
        ("so-\u0667", None),
        ("", None),
    ],
)
def test_an_id_names_one_kind_of_thing(text: str, found: tuple[str, str] | None) -> None:
    assert ids.parse_id(text) == found


@pytest.mark.parametrize("junk", ["\x00", "so-1", "'\"<", "-1", "9" * 30])
def test_no_call_breaks_on_junk(player: Player, junk: str) -> None:
    parameters = dict.fromkeys(
        ("id", "albumId", "artistId", "playlistId", "songId", "mediaId", "type", "size", "query", "time", "rating",
         "position", "current", "currentIndex", "count", "username", "state", "positionMs", "mediaType", "genre",
         "maxBitRate", "format", "startSongId", "endSongId", "transcodeParams", "offset", "name", "comment"),
        junk,
    )  # fmt: skip
    for name in ENDPOINTS:
        answer = player.raw(name, **parameters)
        assert answer.status_code == 200, name
        said = json.loads(answer.content)["subsonic-response"]  # type: ignore[attr-defined]
        assert "broke" not in said.get("error", {}).get("message", ""), name
