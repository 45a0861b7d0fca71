"""Hostile files through everything that reads files: each is read or refused, in bounded time and memory.

They are made from whole ones, the same for the same seed: bytes changed, cut and doubled, lengths in headers set to the
largest; and made to unpack to a thousand times their size: tags, pictures, zips.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from catalog import limited
from catalog.audio_frames import UnreadableAudio
from catalog.importing.limited_reading import probe_file, read_audio_file
from catalog.importing.listens import ListenBrainzListens
from catalog.importing.lyrics import parse_lyrics
from catalog.importing.m3u import read_m3u
from catalog.importing.pictures import Covers, make_cover_under_limits
from catalog.importing.tables import Table, TableReport, UnreadableTable
from catalog.importing.walking import FoundFile
from catalog.sound_shape import drawing_limits, look_at
from mood.picture import PictureRefused
from mood.reading import read_photograph
from tagging.frontend.inputs import Wanted, inputs_of
from tests.audio import add_picture, add_unpacking, picture, tag, write_endless, write_tone
from tests.pictures import many_scans

PICTURES = (".png", ".jpg")
AUDIO = (".mp3", ".flac", ".ogg", ".wav", ".m4a", ".opus")
_BOMBS_EVERY = 10
"""One file of so many is made to unpack to far more than it is."""


class Door(NamedTuple):
    """What became of a file at one door, in words; what should not come begins with FAULT."""

    name: str
    became: str
    seconds: float


def send_hostile_files(number: int, seed: int) -> None:
    """Read hostile files by every door that there is for their kind, and print what became of them."""
    # What reads faces is loaded with the first picture.
    read_photograph(picture((64, 64)))
    became: Counter[str] = Counter()
    longest, longest_door, slow = (0.0, ""), (0.0, ""), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = hostile_files(number, seed, folder)
        first = next(files)
        # Making them takes more than reading them may.
        before = forget_peak_mb()
        for index, (suffix, content) in enumerate(chain([first], files)):
            doors, file = read(folder, suffix, content), f"number {index}, {suffix}, {len(content)} bytes"
            became.update(f"{door.name} {door.became}" for door in doors)
            slow += sum(door.seconds > LONGEST_S for door in doors)
            longest = max(longest, (sum(door.seconds for door in doors), file))
            longest_door = max(longest_door, *((door.seconds, f"{door.name}, {file}") for door in doors))
    limited.end_idle()
    print(f"{number} hostile files of seed {seed}:")
    for what, times in became.most_common():
        print(f"  {times:5} {what}")
    print(f"  {slow:5} times a file took more than {LONGEST_S:.0f} s at a door by the clock")
    print(f"  the longest took {longest_door[0]:.1f} s at one door: {longest_door[1]}")
    print(f"  the longest took {longest[0]:.1f} s at all its doors together: {longest[1]}")
    print(f"  this process grew by {peak_mb() - before:.0f} MB at most", flush=True)


def hostile_files(number: int, seed: int, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Files that are hostile, as a suffix and their bytes."""
    chance = random.Random(seed)  # noqa: S311 (the same files again)
    whole, bombs = _whole_files(folder), _bombs(folder)
    for index in range(number):
        if index % _BOMBS_EVERY == 0:
            yield bombs[index // _BOMBS_EVERY % len(bombs)]
        else:
            suffix, content = chance.choice(whole)
            yield suffix, chance.choice(_CHANGES)(chance, content)


def _whole_files(folder: Path) -> list[tuple[str, bytes]]:
    files = []
    for suffix in AUDIO:
        path = write_tone(folder / f"whole{suffix}", 0.5)
        if suffix in (".mp3", ".flac", ".ogg", ".m4a"):
            tag(path, title="Title", artist="Artist", album="Album")
        if suffix == ".flac":
            add_picture(path, picture((64, 64)))
        files.append((suffix, path.read_bytes()))
    listens = "\n".join(json.dumps(_listen(number)) for number in range(50))
    playlist = "#EXTM3U\n" + "\n".join(f"#EXTINF:{number},Artist - Title\n../a/{number}.mp3" for number in range(50))
    files += [
        (".png", picture((400, 300))),
        (".jpg", many_scans(3, 200)),
        (".m3u8", playlist.encode()),
        (".zip", _zipped({"listens.jsonl": listens.encode(), "user.json": b'{"username": "rob"}'})),
        (".csv", b"song,label,weight\n" + b"".join(b"%d,jazz,0.5\n" % number for number in range(50))),
        (".lrc", b"".join(b"[00:%02d.50]<00:01.00>a word\n" % number for number in range(50))),
    ]
    return files


def _bombs(folder: Path) -> list[tuple[str, bytes]]:
    """Small files that ask for gigabytes or minutes."""
    mp3, flac = write_tone(folder / "bomb.mp3", 0.5), write_tone(folder / "bomb.flac", 0.5)
    silence = write_tone(folder / "rate.wav", 0.5).read_bytes()
    vorbis = bytearray(write_tone(folder / "rate.ogg", 0.5).read_bytes())
    at = vorbis.index(b"\x01vorbis") + 12
    vorbis[at : at + 4] = (2_000_000_000).to_bytes(4, "little")
    return [
        (".mp3", add_unpacking(mp3, 200_000_000).read_bytes()),
        (".jpg", many_scans(4000)),
        (".zip", _zipped({"listens.jsonl": bytes(60_000_000), "user.json": bytes(9_000_000)})),
        (".zip", _zipped({f"{number}/listens.jsonl": b"" for number in range(25_000)})),
        # A rate that makes a second of sound gigabytes; the page's checksum is recomputed by nobody who is hostile.
        (".ogg", bytes(vorbis)),
        (".wav", silence[:24] + (4_000_000_000).to_bytes(4, "little") + silence[28:]),
        (".opus", write_endless(folder / "endless.opus", 4.0).read_bytes()),
        (".flac", add_picture(flac, bytes(15_000_000)).read_bytes()),
        (".png", picture((7000, 7000))),
        (".csv", b"song,label,weight\n" + b"x" * 5_000_000),
        (".m3u8", b"../" * 1_600_000),
        (".zip", _zipped({"listens.jsonl": b"[" * 5_000_000})),
        (".lrc", b"[00:01.00]" * 150_000),
    ]


def _listen(number: int) -> dict[str, object]:
    about = {"track_name": f"Title {number}", "artist_name": "Artist"}
    return {"listened_at": 1_700_000_000 + number, "track_metadata": about}


def _zipped(files: dict[str, bytes]) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _flip(chance: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randint(1, 40)):
        changed[min(int(chance.expovariate(1 / 400)), len(changed) - 1)] = chance.randrange(256)
    return bytes(changed)


def _cut(chance: random.Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content))]


def _enlarge(chance: random.Random, content: bytes) -> bytes:
    at = chance.randrange(max(min(len(content) - 4, 300), 1))
    return content[:at] + b"\xff\xff\xff\x7f"[: chance.randint(1, 4)] + content[at + 4 :]


def _double(chance: random.Random, content: bytes) -> bytes:
    start = chance.randrange(len(content))
    part = content[start : start + chance.randint(1, 5000)]
    return content[:start] + part * chance.randint(2, 50) + content[start:]


_CHANGES: list[Callable[[random.Random, bytes], bytes]] = [_flip, _cut, _enlarge, _double]


def read(folder: Path, suffix: str, content: bytes) -> list[Door]:
    """What becomes of a file at each door for its kind."""
    path = folder / f"hostile{suffix}"
    path.write_bytes(content)
    doors = _READ_PICTURES if suffix in PICTURES else _READ_AUDIO if suffix in AUDIO else {suffix: _READ[suffix]}
    became = []
    for name, door in doors.items():
        begun = time.monotonic()
        try:
            door(path)
        except (*_REFUSALS, limited.LimitExceededError) as error:
            what = "refused" if suffix not in AUDIO else f"refused: {error}"
        except Exception as error:
            what = f"FAULT: {error!r}"
        else:
            what = "read"
        became.append(Door(name, what, time.monotonic() - begun))
    return became


LONGEST_S = 10.0
"""What no file may take at any door."""

_REFUSALS = (UnreadableAudio, PictureRefused, UnreadableTable)


def _import(path: Path) -> None:
    status = path.stat()
    read_audio_file(path.parent, FoundFile(path.name, status.st_size, status.st_mtime_ns), Covers())


def _label(path: Path) -> None:
    """As a tagger reads what was brought in."""
    inputs_of(path, Wanted(windows=True))


def _draw(path: Path) -> None:
    """As a song's page draws what was brought in, for as long as it says to be."""
    length_s = probe_file(path).duration_s
    limited.call(drawing_limits(path.stat().st_size, length_s), look_at, path)


def _make_cover(path: Path) -> None:
    if make_cover_under_limits(path.read_bytes()) is None:
        raise PictureRefused("no cover")


def _read_face(path: Path) -> None:
    read_photograph(path.read_bytes())


def _read_export(path: Path) -> None:
    with ListenBrainzListens(path, TableReport()) as listens:
        for _ in listens:
            pass


def _read_table(path: Path) -> None:
    with Table(path, ["song", "label"], ["weight"], TableReport()) as rows:
        for _ in rows:
            pass


_READ_AUDIO: dict[str, Callable[[Path], object]] = {"import": _import, "label": _label, "draw": _draw}
_READ_PICTURES: dict[str, Callable[[Path], object]] = {"cover": _make_cover, "face": _read_face}
_READ: dict[str, Callable[[Path], object]] = {
    ".m3u8": lambda path: read_m3u(path.read_bytes()),
    ".zip": _read_export,
    ".csv": _read_table,
    ".lrc": lambda path: parse_lyrics(path.read_bytes()[:2_000_000].decode(errors="replace")),
}


def forget_peak_mb() -> float:
    """The memory that this process has, MB; from here on `peak_mb` counts anew. Linux only."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_mb()


def peak_mb() -> float:
    """The most memory that this process has had, MB."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
