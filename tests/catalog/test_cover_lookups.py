"""Covers that are looked up: against a real server that speaks like MusicBrainz and the Cover Art Archive."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from PIL import Image
from pytest_django import Settings

from catalog import tasks
from catalog.cover_service import CoverService, LookupRefusedError, ServiceBusyError
from catalog.models import CoverLookup, LibraryRoot, Song
from catalog.services import cover_lookups
from tests.factories import make_root, make_song, make_user

RELEASE = "0b6b5d62-cdb7-4f45-8fe0-cf1e0efeb1d3"


def jpeg(colour: str = "red", size: int = 64) -> bytes:
    made = BytesIO()
    Image.new("RGB", (size, size), colour).save(made, "JPEG")
    return made.getvalue()


class Service(ThreadingHTTPServer):
    """Answers like the two services, and remembers what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str]] = []
        self.searched: list[str] = []
        self.releases: list[dict[str, Any]] = [release("Pastel Blues", "Nina Simone")]
        self.search_body: bytes | None = None
        self.picture = jpeg()
        self.redirects: dict[str, str] = {}
        self.status: dict[str, int] = {}
        self.stalls = threading.Event()
        self.hangs = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        service, parts = self.server, urlsplit(self.path)
        service.asked.append((parts.path, self.headers["User-Agent"]))
        if parts.path in service.redirects:
            self._answer(307, b"", {"Location": service.redirects[parts.path]})
        elif parts.path in service.status:
            self._answer(service.status[parts.path], b"")
        elif parts.path == "/ws/2/release/":
            service.searched += parse_qs(parts.query)["query"]
            self._answer(200, service.search_body or json.dumps({"releases": service.releases}).encode())
        elif service.hangs:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(service.picture[:10])
            service.stalls.wait(30)
        else:
            self._answer(200, service.picture)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def release(title: str, *artists: str, pk: str = RELEASE, score: int = 100) -> dict[str, Any]:
    return {"id": pk, "score": score, "title": title, "artist-credit": [{"name": name} for name in artists]}


@pytest.fixture
def service() -> Iterator[Service]:
    server = Service()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.stalls.set()
    server.shutdown()
    server.server_close()


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def client_of(service: Service, *, hosts: tuple[str, ...] = (), **wishes: Any) -> CoverService:
    clock = wishes.pop("clock", None) or Clock()
    return CoverService(
        "DCMRS/1 ( me@example.org )", service.url, service.url, hosts, clock=clock, sleep=clock.sleep, **wishes
    )


# --- The client ---------------------------------------------------------------------------------


def test_an_albums_cover_is_found_and_the_services_are_told_who_asks(service: Service) -> None:
    assert client_of(service).cover("Nina Simone", "Pastel Blues") == service.picture
    assert service.asked == [
        ("/ws/2/release/", "DCMRS/1 ( me@example.org )"),
        (f"/release/{RELEASE}/front-500", "DCMRS/1 ( me@example.org )"),
    ]


def test_what_is_special_in_a_search_is_said_as_it_is(service: Service) -> None:
    client_of(service).cover('AC"DC', "Back \\ Black")
    assert service.searched == ['release:"Back \\\\ Black" AND artist:"AC\\"DC"']


def test_requests_are_a_second_apart_redirects_too(service: Service) -> None:
    service.redirects[f"/release/{RELEASE}/front-500"] = f"{service.url}/download/front.jpg"
    clock = Clock()
    found = client_of(service, clock=clock)
    found.cover("Nina Simone", "Pastel Blues")
    found.cover("Nina Simone", "Pastel Blues")
    assert len(service.asked) == len(clock.waits) == 6
    assert clock.waits == [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "found",
    [
        [release("Another Album", "Nina Simone")],
        [release("Pastel Blues", "Somebody Else")],
        [release("Pastel Blues", "Nina Simone", pk="../../secrets")],
        [],
    ],
)
def test_what_is_another_album_is_not_taken(service: Service, found: list[dict[str, Any]]) -> None:
    service.releases = found
    assert client_of(service).cover("Nina Simone", "Pastel Blues") is None
    assert len(service.asked) == 1


def test_an_album_by_several_people_and_one_by_nobody_are_found(service: Service) -> None:
    service.releases = [release("Duets", "Ella", "Louis")]
    assert client_of(service).cover("Ella & Louis", "Duets")
    service.releases = [release("Hits", "Various Artists"), release("Hits", "Unlikely", score=20)]
    assert client_of(service).cover("", "Hits")


def test_a_release_without_a_cover_lets_the_next_one_be_asked(service: Service) -> None:
    other = RELEASE.replace("0b6b", "1c7c")
    service.releases = [release("Pastel Blues", "Nina Simone"), release("Pastel Blues", "Nina Simone", pk=other)]
    service.status[f"/release/{RELEASE}/front-500"] = 404
    assert client_of(service).cover("Nina Simone", "Pastel Blues") == service.picture
    assert service.asked[-1][0] == f"/release/{other}/front-500"


def test_a_redirect_leads_to_expected_hosts_only(service: Service) -> None:
    elsewhere = service.url.replace("127.0.0.1", "localhost")
    service.redirects[f"/release/{RELEASE}/front-500"] = f"{elsewhere}/front.jpg"
    with pytest.raises(LookupRefusedError, match="localhost"):
        client_of(service).cover("Nina Simone", "Pastel Blues")
    assert "/front.jpg" not in dict(service.asked)
    assert client_of(service, hosts=("localhost",)).cover("Nina Simone", "Pastel Blues") == service.picture


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "//", "http://notlocalhost/x", ""])
def test_a_redirect_to_no_page_is_refused(service: Service, target: str) -> None:
    service.redirects[f"/release/{RELEASE}/front-500"] = target
    with pytest.raises(LookupRefusedError):
        client_of(service, hosts=("localhost",)).cover("Nina Simone", "Pastel Blues")


def test_redirects_end(service: Service) -> None:
    address = f"/release/{RELEASE}/front-500"
    service.redirects[address] = f"{service.url}{address}"
    with pytest.raises(LookupRefusedError, match="redirects"):
        client_of(service).cover("Nina Simone", "Pastel Blues")
    assert len(service.asked) == 7


def test_an_answer_that_is_too_large_is_refused(service: Service) -> None:
    service.picture = b"\0" * 20_000_001
    with pytest.raises(LookupRefusedError, match="20,000,000 bytes"):
        client_of(service).cover("Nina Simone", "Pastel Blues")


def test_an_answer_that_stalls_is_given_up(service: Service) -> None:
    service.hangs = True
    with pytest.raises(LookupRefusedError):
        client_of(service, within_s=0.3).cover("Nina Simone", "Pastel Blues")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"releases": 3}', b'{"releases": [3]}', b'{"releases": [{}]}'])
def test_a_search_that_answers_something_else_is_refused(service: Service, body: bytes) -> None:
    service.search_body = body
    with pytest.raises(LookupRefusedError):
        client_of(service).cover("Nina Simone", "Pastel Blues")


def test_a_service_that_is_gone_is_said_so(service: Service) -> None:
    gone = CoverService("DCMRS", "http://127.0.0.1:9", "http://127.0.0.1:9", sleep=lambda _: None)
    with pytest.raises(LookupRefusedError, match=r"127\.0\.0\.1 cannot be reached"):
        gone.cover("Nina Simone", "Pastel Blues")


@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_is_busy_says_so(service: Service, status: int) -> None:
    service.status["/ws/2/release/"] = status
    with pytest.raises(ServiceBusyError):
        client_of(service).cover("Nina Simone", "Pastel Blues")


# --- Asking, storing, undoing -------------------------------------------------------------------


@pytest.fixture
def lookups_on(settings: Settings, service: Service) -> None:
    settings.COVER_LOOKUP_CONTACT = "me@example.org"
    settings.COVER_LOOKUP_SEARCH_URL = settings.COVER_LOOKUP_COVERS_URL = service.url
    settings.COVER_LOOKUP_HOSTS = []


@pytest.fixture
def boss(db: None) -> User:
    return make_user("boss", is_staff=True, is_superuser=True)


@pytest.fixture
def root(db: None) -> LibraryRoot:
    return make_root()


@pytest.fixture
def songs(root: LibraryRoot) -> list[Song]:
    """An album of two songs without a cover."""
    return [
        make_song(title, "Nina Simone", path=f"{title}.ogg", album="Pastel Blues", root=root)
        for title in ("Sinnerman", "Strange Fruit")
    ]


def covers() -> set[str]:
    return set(Song.objects.values_list("cover", flat=True))


@pytest.mark.usefixtures("lookups_on")
def test_what_an_admin_asks_for_is_found_stored_and_undone(
    client: Client, boss: User, songs: list[Song], service: Service
) -> None:
    client.force_login(boss)
    page = client.get("/admin/catalog/coverlookup/").content.decode()
    assert "Look for 1 cover" in page
    assert "<h1>Covers looked up elsewhere</h1>" in page
    asked = client.post("/admin/catalog/coverlookup/ask/", follow=True).content.decode()
    assert "1 album will be looked up" in asked
    # Nothing is asked of anybody while a page is made.
    assert service.asked == []
    assert cover_lookups.look_up_waiting(client_of(service)) == 1
    [name] = covers()
    assert default_storage.exists(name)
    lookup = CoverLookup.objects.get()
    assert (lookup.state, lookup.cover, lookup.asked_by) == ("found", name, boss)
    assert "Look for" not in client.get("/admin/catalog/coverlookup/").content.decode()
    undo = {"action": "take_away", "_selected_action": [lookup.pk]}
    assert "1 cover taken away again" in client.post("/admin/catalog/coverlookup/", undo, follow=True).content.decode()
    assert covers() == {""}
    assert not default_storage.exists(name)
    # What was taken away does not come back by itself, but it does when it is asked for again.
    assert cover_lookups.ask(boss) == cover_lookups.look_up_waiting(client_of(service)) == 0
    client.post("/admin/catalog/coverlookup/", {"action": "look_up_again", "_selected_action": [lookup.pk]})
    assert cover_lookups.look_up_waiting(client_of(service)) == 1
    assert covers() == {name}


@pytest.mark.usefixtures("lookups_on")
def test_an_album_that_has_a_cover_is_not_asked_for(boss: User, songs: list[Song]) -> None:
    Song.objects.filter(pk=songs[0].pk).update(cover="covers/own.jpg")
    assert cover_lookups.n_bare_albums() == cover_lookups.ask(boss) == 0


@pytest.mark.usefixtures("lookups_on")
def test_a_cover_that_a_file_has_brought_meanwhile_stays(boss: User, songs: list[Song], service: Service) -> None:
    cover_lookups.ask(boss)
    Song.objects.filter(pk=songs[0].pk).update(cover="covers/own.jpg")
    cover_lookups.look_up_waiting(client_of(service))
    assert "covers/own.jpg" in covers()
    cover_lookups.undo(CoverLookup.objects.all())
    assert covers() == {"covers/own.jpg", ""}


@pytest.mark.usefixtures("lookups_on")
def test_what_is_no_picture_and_what_nobody_has_is_said(boss: User, songs: list[Song], service: Service) -> None:
    service.picture = b"no picture"
    cover_lookups.ask(boss)
    cover_lookups.look_up_waiting(client_of(service))
    lookup = CoverLookup.objects.get()
    assert (lookup.state, lookup.said) == ("failed", "what came is no picture that can be decoded")
    service.releases = []
    cover_lookups.ask_again([lookup], boss)
    cover_lookups.look_up_waiting(client_of(service))
    lookup.refresh_from_db()
    assert (lookup.state, lookup.said) == ("nothing", "")
    assert covers() == {""}


@pytest.mark.usefixtures("lookups_on")
def test_a_busy_service_is_left_alone_and_the_album_waits(boss: User, songs: list[Song], service: Service) -> None:
    service.status["/ws/2/release/"] = 503
    cover_lookups.ask(boss)
    assert cover_lookups.look_up_waiting(client_of(service)) == 0
    assert CoverLookup.objects.get().state == "waiting"
    assert len(service.asked) == 1


@pytest.mark.usefixtures("lookups_on")
def test_one_worker_is_at_it_at_a_time(boss: User, songs: list[Song], root: LibraryRoot, service: Service) -> None:
    make_song("Caribbean Blue", "Enya", album="Shepherd Moons", root=root, path="c.ogg")
    assert cover_lookups.n_bare_albums() == 2
    assert cover_lookups.ask(boss) == 2
    assert cover_lookups.n_bare_albums() == 0
    found: list[int] = []

    class Other(CoverService):
        def cover(self, artist: str, album: str) -> bytes | None:
            found.append(cover_lookups.look_up_waiting(client_of(service)))
            return super().cover(artist, album)

    clock = Clock()
    first = Other("DCMRS", service.url, service.url, (), clock=clock, sleep=clock.sleep)
    assert cover_lookups.look_up_waiting(first) == 2
    assert found == [0, 0]


def test_off_as_it_comes_nothing_is_asked_of_anybody(client: Client, boss: User, songs: list[Song]) -> None:
    client.force_login(boss)
    page = client.get("/admin/catalog/coverlookup/").content.decode()
    assert "Looking up is off" in page
    assert "Look for 1 cover" not in page
    assert client.post("/admin/catalog/coverlookup/ask/").status_code == 403
    with pytest.raises(RuntimeError, match="COVER_LOOKUP_CONTACT"):
        cover_lookups.ask(boss)
    tasks.look_up_covers()
    assert not CoverLookup.objects.exists()


@pytest.mark.usefixtures("lookups_on")
def test_whoever_may_not_change_songs_asks_for_nothing(client: Client, songs: list[Song]) -> None:
    viewer = make_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_coverlookup"))
    client.force_login(viewer)
    assert "Look for" not in client.get("/admin/catalog/coverlookup/").content.decode()
    assert client.post("/admin/catalog/coverlookup/ask/").status_code == 403


@pytest.mark.usefixtures("lookups_on")
def test_what_an_admin_asked_for_is_in_the_export_of_theirs(client: Client, boss: User, songs: list[Song]) -> None:
    cover_lookups.ask(boss)
    client.force_login(boss)
    [asked] = json.loads(client.get(reverse("export")).getvalue())["covers_looked_up"]
    assert (asked["album"], asked["artist"], asked["became"]) == ("Pastel Blues", "Nina Simone", "waiting")


@pytest.mark.usefixtures("lookups_on")
def test_the_worker_does_it_by_its_own_task(boss: User, songs: list[Song], service: Service) -> None:
    service.releases = []
    cover_lookups.ask(boss)
    tasks.look_up_covers()
    assert CoverLookup.objects.get().state == "nothing"
    assert service.asked[0][1].startswith("DCMRS/")
    assert "me@example.org" in service.asked[0][1]
