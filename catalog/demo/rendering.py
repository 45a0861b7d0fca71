"""The demo library's folder: every track rendered once, and again only where its file is not what it should be."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path

import composer
from composer.encoding import write
from composer.mixing import render
from composer.styles import compose

from ..parallel import cores, in_parallel
from .programme import Track

_RECORD = ".rendered.json"
_GENERATOR = Path(composer.__file__).parent
# What has no say in how a recording sounds.
_SILENT = {"variation.py"}
# Each takes 400 MB.
_MOST_PROCESSES = 4


def render_track(track: Track, path: Path) -> None:
    """Compose, play and record a track."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, render(compose(track.style, track.seed), track.seed), track.tags())


def render_library(
    folder: Path, tracks: Sequence[Track], processes: int | None = None, generator: str | None = None
) -> Iterator[Track]:
    """Bring a folder to hold the recordings of these tracks and none that were rendered there before.

    What is there and right is left alone, so that this can be broken off and started again. A file is right when
    it was made by this very generator and has not been changed since.

    Parameters
    ----------
    folder : Path
        Made where it is not there.
    tracks : sequence of Track
    processes : int, optional
        How many to render at once; one a core, but not more than four, where not given.
    generator : str, optional
        What the files are made by: a digest of this program where not given.

    Yields
    ------
    Track
        Each that is right now, those first that were before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    generator = generator or _generator()
    record = _read_record(folder)
    for path in record.keys() - {track.path for track in tracks}:
        (folder / path).unlink(missing_ok=True)
        del record[path]
    due = []
    for track in tracks:
        if record.get(track.path) == _entry(folder, track, generator):
            yield track
        else:
            due.append(track)
    if not due:
        _write_record(folder, record)
        return
    workers = min(processes or min(cores(), _MOST_PROCESSES), len(due))
    for track, rendering in in_parallel(partial(_render_into, folder), due, workers):
        rendering.result()
        record[track.path] = _entry(folder, track, generator)
        _write_record(folder, record)
        yield track


def _render_into(folder: Path, track: Track) -> None:
    render_track(track, folder / track.path)


def _entry(folder: Path, track: Track, generator: str) -> dict[str, str]:
    """What the record says of a track whose file is right, if the file that is there is right."""
    try:
        with (folder / track.path).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        digest = ""
    recipe = json.dumps([generator, asdict(track)])
    return {"recipe": hashlib.sha256(recipe.encode()).hexdigest(), "sha256": digest}


@cache
def _generator() -> str:
    """A digest of the generator's source."""
    sources = sorted(path for path in _GENERATOR.rglob("*.py") if path.name not in _SILENT)
    digest = hashlib.sha256()
    for path in sources:
        digest.update(path.relative_to(_GENERATOR).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _read_record(folder: Path) -> dict[str, dict[str, str]]:
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write_record(folder: Path, record: dict[str, dict[str, str]]) -> None:
    draft = folder / f"{_RECORD}.draft"
    draft.write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")
    draft.replace(folder / _RECORD)
