"""How fast music comes in: files that are new, files that are known, and a file of eleven hours.

    python benchmarks/importing.py [--files N] [--music DIR] [--format table|json]

Makes N audio files of ten seconds (mp3, ogg, flac, a quarter of them with a cover), or takes those of DIR, and imports
them twice into a temporary home. The naive way, in the same run, reads the tags of every file with mutagen and asks
the database for each song by itself. The long file is silence; its figures are those of a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import mutagen
import numpy as np
import soundfile as sf

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from benchmarks.requirements import folder as needs_folder  # noqa: E402
from benchmarks.requirements import require  # noqa: E402

LONG_HOURS = 11


class Figures(NamedTuple):
    """What was measured of one way to import."""

    what: str
    files: int
    seconds: float
    files_per_second: float
    peak_mb: float


def make_files(folder: Path, n: int) -> None:
    """Tones with noise, each another, with tags."""
    from mutagen.flac import FLAC, Picture
    from PIL import Image

    rng = np.random.default_rng(2018)
    noise = Image.effect_noise((700, 700), 80)
    noise.save(folder / "cover.png")
    cover = Picture()
    cover.type, cover.mime, cover.data = 3, "image/png", (folder / "cover.png").read_bytes()
    (folder / "cover.png").unlink()
    moments = np.arange(10 * 44_100) / 44_100
    for i in range(n):
        path = folder / f"Artist {i % 40}" / f"Album {i % 8}" / f"{i:05d}.{('mp3', 'ogg', 'flac', 'flac')[i % 4]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        tone = 0.3 * np.sin(2 * np.pi * (200 + i) * moments) + 0.02 * rng.standard_normal(moments.size)
        sf.write(path, np.stack([tone, tone], axis=1), 44_100)
        file = mutagen.File(path, easy=True)
        if file.tags is None:
            file.add_tags()
        file["title"], file["artist"], file["genre"] = f"Title {i}", f"Artist {i % 40}", "Jazz"
        file.save()
        if i % 4 == 3:
            flac = FLAC(path)
            flac.add_picture(cover)
            flac.save()


def make_long_file(path: Path) -> None:
    """Silence in FLAC, mono at 8,000 Hz."""
    hour = np.zeros(3600 * 8000, np.int16)
    with sf.SoundFile(path, "w", 8000, 1) as file:
        for _ in range(LONG_HOURS):
            file.write(hour)


def imported(what: str, folder: Path) -> Figures:
    """Import a folder."""
    from catalog.services.import_report import ImportReport
    from catalog.services.library import import_path

    report, begun = ImportReport(), time.perf_counter()
    import_path(folder, report)
    if report.bad:
        print(f"{len(report.bad)} files were not usable", file=sys.stderr)
    return _figures(what, report.new + report.known + len(report.duplicates), begun)


def naive(folder: Path) -> Figures:
    """Read every file's tags again, and ask for every song by itself."""
    from catalog.importing.walking import FoundFile, walk
    from catalog.models import LibraryRoot, Song

    root = LibraryRoot.objects.get(path=str(folder))
    files, changed, begun = 0, 0, time.perf_counter()
    for found in walk(folder):
        if isinstance(found, FoundFile):
            file = mutagen.File(folder / found.path, easy=True)
            tags = {} if file is None else file.tags or {}
            song = Song.objects.filter(root=root, path=found.path).first()
            changed += song is None or ("title" in tags and tags["title"][0] != song.title)
            files += 1
    if changed:
        print(f"{changed} files differ from their songs", file=sys.stderr)
    return _figures("known, the naive way", files, begun)


def in_a_process_of_its_own(what: str, folder: Path) -> Figures:
    """Import a folder in a fresh process, into a fresh home."""
    with tempfile.TemporaryDirectory(prefix="dcmrs-benchmark-") as home:
        command = [sys.executable, __file__, "--music", str(folder), "--only", what]
        done = subprocess.run(command, env={**os.environ, "DCMRS_HOME": home}, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        return Figures(*json.loads(done.stdout))


def _figures(what: str, files: int, begun: float) -> Figures:
    seconds = time.perf_counter() - begun
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Figures(what, files, seconds, files / seconds, peak_mb)


def set_up() -> None:
    """Prepare Django and an empty database in `DCMRS_HOME`."""
    sys.path.insert(0, str(PROJECT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "dcmrs_site.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--music", type=Path)
    parser.add_argument("--format", choices=["table", "json"], default="table")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        set_up()
        print(json.dumps(imported(options.only, options.music)))
        return
    if options.music:
        require(needs_folder(options.music, "--music"))
    with tempfile.TemporaryDirectory(prefix="dcmrs-benchmark-") as name:
        folder = Path(name).resolve()
        os.environ["DCMRS_HOME"] = str(folder / "home")
        set_up()
        (folder / "short").mkdir()
        (folder / "long").mkdir()
        music = options.music.resolve() if options.music else folder / "music"
        if not options.music:
            music.mkdir()
            make_files(music, options.files)
        make_files(folder / "short", 1)
        make_long_file(folder / "long" / "silence.flac")
        known = [imported("new", music), imported("known", music), naive(music)]
        rows = [
            *known,
            in_a_process_of_its_own("one of ten seconds", folder / "short"),
            in_a_process_of_its_own(f"one of {LONG_HOURS} hours", folder / "long"),
        ]
    ratio = rows[1].files_per_second / rows[2].files_per_second
    if options.format == "json":
        print(json.dumps({"figures": [row._asdict() for row in rows], "times_naive": ratio}, indent=2))
        return
    print(f"{'':24}{'files':>8}{'seconds':>10}{'files/s':>10}{'peak MB':>10}")
    for row in rows:
        print(f"{row.what:24}{row.files:8}{row.seconds:10.2f}{row.files_per_second:10.0f}{row.peak_mb:10.0f}")
    print(f"Known files: {ratio:.1f} times as fast as the naive way")


if __name__ == "__main__":
    main()
