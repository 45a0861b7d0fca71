"""Whatever a player sends, to whatever call: it gets an answer, and nothing breaks on the server."""

from __future__ import annotations

import json
import logging
import os
import re
from xml.etree import ElementTree

import pytest
from django.http import StreamingHttpResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.models import Song
from opensubsonic import views  # noqa: F401 (its endpoints register themselves)
from opensubsonic.registry import ENDPOINTS
from recommender.snapshots.build import build
from tests.conftest import PROJECT

from .player import BINARY, SPECIFICATION, Player
from .schemas import check_json, is_specified
from .test_media import hang_up

pytestmark = pytest.mark.django_db

_ASKED = re.compile(r"(?:parameters\.\w+|asked_\w+|span|check_media_type|_writable)\(([^()]*)")
_NAME = re.compile(r'"([A-Za-z]+)"')
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "6"))
_OF_LOGGING_IN = {"u", "p", "t", "s", "apiKey", "v", "c", "f", "callback"}


def names() -> list[str]:
    """The names of all parameters that any endpoint reads, as its source says."""
    source = "".join(path.read_text() for path in sorted((PROJECT / "opensubsonic").rglob("*.py")))
    return sorted({name for call in _ASKED.findall(source) for name in _NAME.findall(call)} - _OF_LOGGING_IN)


def values(known: list[str]) -> st.SearchStrategy[str]:
    """What is sent: what is there, what is nearly so, and what makes no sense at all."""
    return st.one_of(
        st.sampled_from(known),
        st.sampled_from(known).map(lambda text: text[:-1]),
        st.sampled_from(["so-0", "so-999999999999999999", "al-", "pl--1", "dl-../../etc", "ar-" + "f" * 20, "%00"]),
        st.sampled_from(["", "0", "-1", "1", "2", "500", "999999999999999", "NaN", "0x1", "\u0661", "-0", "1.5"]),
        st.sampled_from(["true", "song", "newest", "byYear", "playing", "stopped", "mp3", "opus", "raw", "x" * 2000]),
        st.text(max_size=8),
    )


@pytest.fixture
def recommended(heard: list[Song], snapshots: object) -> list[Song]:
    """A library that songs are recommended from."""
    build()
    return heard


def status_of(content: bytes) -> object:
    """Whether an answer says that a call went well, whichever its form."""
    if content.startswith(b"{"):
        return json.loads(content)["subsonic-response"]["status"]
    return ElementTree.fromstring(content).attrib["status"]  # noqa: S314 (this server's own)


def test_the_names_of_parameters_are_found() -> None:
    found = names()
    assert {"id", "musicFolderId", "songIndexToRemove", "positionMs", "timeOffset", "startSongId", "size"} <= set(found)
    assert len(found) > 40


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_call_breaks_whatever_it_is_sent(
    player: Player, recommended: list[Song], caplog: pytest.LogCaptureFixture, data: st.DataObject
) -> None:
    song = player.ok("getSong", id=f"so-{recommended[0].pk}")["song"]
    known = [song["id"], song["albumId"], song["artistId"], f"so-{recommended[1].pk}", "dl-new-here", "pl-1", "mira"]
    some = st.lists(values(known), min_size=1, max_size=3)
    sent = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(names(), some)))
    form = data.draw(st.sampled_from(["json", "xml"]))
    caplog.clear()
    with caplog.at_level(logging.ERROR):
        for one in ENDPOINTS.values():
            response = player.raw(one.name, form, **sent)
            if isinstance(response, StreamingHttpResponse):
                assert next(iter(response))
                hang_up(response)
            elif one.name not in BINARY:
                content: bytes = response.content  # type: ignore[attr-defined]
                assert response.status_code == 200, (one.name, sent)
                assert status_of(content) in ("ok", "failed")
                if form == "json" and is_specified(SPECIFICATION, one.name):
                    check_json(SPECIFICATION, one.name, json.loads(content))
    assert [record.getMessage() for record in caplog.records] == [], sent
