"""Every call of OpenSubsonic's specification, sent to a real server by Schemathesis as the specification allows it.

    python -m benchmarks.specification [--examples N] [--seconds N] [--seed N] [--admin] [--schemathesis PROGRAM]

Makes a library in a temporary home (SQLite), starts the web server as `up` does, and has Schemathesis make parameters
of every kind that the specification names for GET and POST, among them ids of what is there. Each answer has to have
status 200 and to fit the specification's schema, and nothing may have broken on the server. Ends with status 1 where
Schemathesis found something.

Schemathesis is no part of the requirements, since it brings thirty packages:

    python3 -m venv /tmp/schemathesis && /tmp/schemathesis/bin/pip install schemathesis
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from benchmarks.requirements import Requirement, folder, require  # noqa: E402
from benchmarks.temporary_home import temporary_home  # noqa: E402
from benchmarks.web import web_server  # noqa: E402

SPECIFICATION = PROJECT.parent / "shared" / "data" / "opensubsonic" / "openapi"
_SONGS = 12

_CHECK = """
import schemathesis

@schemathesis.check
def nothing_broke(ctx, response, case):
    assert response.status_code == (204 if case.method == "OPTIONS" else 200), response.status_code
    for text in (b"broke on the server", b"server is busy"):
        assert text not in response.content, response.content[:300]
"""

Known = dict[str, list[str]]
"""What is there, by the name of the parameters that name it."""


def main() -> None:
    """Try every call."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.specification", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--examples", type=int, default=20, metavar="N", help="of each call (20)")
    parser.add_argument("--seconds", type=int, default=900, metavar="N", help="to end after (900)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--admin", action="store_true", help="ask as an admin")
    parser.add_argument("--schemathesis", default="schemathesis", metavar="PROGRAM")
    parser.add_argument("--specification", type=Path, default=SPECIFICATION, metavar="FOLDER")
    options = parser.parse_args()
    program = shutil.which(options.schemathesis)
    require(
        folder(options.specification, "--specification"),
        Requirement(
            program is not None,
            f"There is no program {options.schemathesis}: install it (python -m benchmarks.specification --help says "
            "how) and name it by --schemathesis.",
        ),
    )
    with temporary_home() as home:
        sys.exit(try_calls(str(program), options, home))


def try_calls(program: str, options: argparse.Namespace, home: Path) -> int:
    """Have the program try every call; its exit status."""
    key, known = make_library(home, admin=options.admin)
    every = {"apiKey": key, "v": "1.16.1", "c": "specification", "f": "json"}
    document = home / "openapi.json"
    document.write_text(json.dumps(Bundle(options.specification, known, every).document()))
    (home / "nothing_broke.py").write_text(_CHECK)
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "nothing_broke", "PYTHONPATH": str(home)}
    with web_server() as (port, _):
        command = [
            *(program, "run", str(document), "--url", f"http://127.0.0.1:{port}", "--phases", "fuzzing"),
            *("--checks", "nothing_broke,not_a_server_error,response_schema_conformance", "--continue-on-failure"),
            *("--max-examples", str(options.examples), "--seed", str(options.seed), "--workers", "2"),
            *("--suppress-health-check", "all"),
        ]
        try:
            return subprocess.run(command, env=environment, cwd=home, timeout=options.seconds, check=False).returncode
        except subprocess.TimeoutExpired:
            print(f"Not all calls were tried within {options.seconds} seconds.", file=sys.stderr)
            return 1


def make_library(home: Path, *, admin: bool) -> tuple[str, Known]:
    """Songs that can be played and are recommended; an API key, and what parameters may name."""
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from accounts.services.app_passwords import make_app_password
    from catalog.services.playlists import make_playlist
    from opensubsonic import kept
    from tests.audio import tag, write_tone

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    user = User.objects.create_user("mira", is_staff=admin, is_superuser=admin)
    for number in range(_SONGS):
        ending = "flac" if number % 2 else "mp3"
        path = write_tone(
            home / "music" / f"A{number % 3}" / f"B{number % 5}" / f"{number}.{ending}", 2.0, hz=200 + number
        )
        if number:
            tag(path, title=f'T{number} "<&夜', artist=f"A{number % 3}", album=f"B{number % 5}", genre="jazz")
    call_command("import_music", str(home / "music"), verbosity=0)
    call_command("recompute", verbosity=0)
    library = kept.current()
    pks = library.song_ids.tolist()
    mine = make_playlist(user, "Mine", pks[:3])
    other = make_playlist(User.objects.create_user("otto"), "Other", pks[:3])
    songs = [f"so-{pk}" for pk in pks[:4]]
    albums = [f"al-{key}" for key in list(library.albums_by_hash)[:3]]
    artists = [f"ar-{key}" for key in list(library.artists_by_hash)[:3]]
    playlists = [f"pl-{mine.pk}", f"pl-{other.pk}", "dl-for-you", "dl-new-here"]
    of_songs = ("songId", "mediaId", "songIdToAdd", "startSongId", "endSongId", "current")
    return make_app_password(user, "specification")[1], {
        "id": [*songs, *albums, *artists, *playlists],
        "albumId": albums,
        "artistId": artists,
        **dict.fromkeys(of_songs, songs),
        "playlistId": playlists,
        "musicFolderId": ["1", "2"],
        "genre": ["jazz", "rock"],
        "username": ["mira", "otto"],
    }


class Bundle:
    """The specification in one document, whose parameters may name what is there.

    Parameters
    ----------
    folder : Path
        With `openapi.json`.
    known : mapping of a parameter's name to values
    every : mapping of a parameter's name to value
        What each call says.
    """

    def __init__(self, folder: Path, known: Known, every: dict[str, str]) -> None:
        self._folder, self._known, self._every = folder.resolve(), known, every
        self._schemas: dict[str, Any] = {}

    def document(self) -> dict[str, Any]:
        """The document."""
        whole = json.loads((self._folder / "openapi.json").read_text())
        paths = {path: self._operations(found["$ref"]) for path, found in whole["paths"].items()}
        return {
            "openapi": whole["openapi"],
            "info": whole["info"],
            "paths": paths,
            "components": {"schemas": self._schemas},
        }

    def _operations(self, reference: str) -> dict[str, Any]:
        path = (self._folder / reference).resolve()
        return {method: self._operation(found, path) for method, found in json.loads(path.read_text()).items()}

    def _operation(self, operation: dict[str, Any], path: Path) -> dict[str, Any]:
        answer = operation["responses"]["200"]
        if "$ref" in answer:
            beside = (path.parent / answer["$ref"]).resolve()
            answer = self._inside(json.loads(beside.read_text()), beside)
        made: dict[str, Any] = self._inside(operation, path) | {"responses": {"200": self._inside(answer, path)}}
        made.pop("security", None)
        parameters = made.setdefault("parameters", [])
        for one in parameters:
            one["schema"] = self._also_known(one["name"], one["schema"])
        parameters += [
            {"name": name, "in": "query", "required": True, "schema": {"enum": [value]}}
            for name, value in self._every.items()
        ]
        for form in made.get("requestBody", {}).get("content", {}).values():
            properties = form.get("schema", {}).get("properties", {})
            properties |= {name: self._also_known(name, schema) for name, schema in properties.items()}
        return made

    def _also_known(self, name: str, schema: Any) -> Any:
        return {"anyOf": [{"enum": self._known[name]}, schema]} if name in self._known else schema

    def _inside(self, value: Any, path: Path) -> Any:
        """A part of the file `path`, with what it refers to in other files as schemas of the document."""
        if isinstance(value, list):
            return [self._inside(one, path) for one in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref", "#")
        if not isinstance(reference, str) or reference.startswith("#"):
            return {name: self._inside(one, path) for name, one in value.items()}
        other = (path.parent / reference).resolve()
        name = str(other.relative_to(self._folder)).replace("/", "_").removesuffix(".json")
        if name not in self._schemas:
            # Before it is read: a schema may refer to itself.
            self._schemas[name] = None
            self._schemas[name] = self._inside(json.loads(other.read_text()), other)
        return {"$ref": f"#/components/schemas/{name}"}


if __name__ == "__main__":
    main()
