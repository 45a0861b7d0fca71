"""How long a scan takes that finds nothing new: folders of known files, looked through again.

    python -m benchmarks.rescanning [--songs N] [--folder DIR]

Makes N files of a byte, twelve to a folder, in DIR or a temporary folder, and their songs as an import would have
stored them. Scans them twice as `rescan` does every few minutes. The limit is what the system needs to list the folders
and to tell the size of every file, measured in the same run.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.importing import set_up

_A_FOLDER = 12
_AT_ONCE = 5000


def make_files(folder: Path, n: int) -> None:
    """Files that only look like music: a known file is never opened."""
    for album in range(-(-n // _A_FOLDER)):
        inside = folder / f"Artist {album % 20_000}" / f"Album {album}"
        inside.mkdir(parents=True)
        for number in range(min(_A_FOLDER, n - album * _A_FOLDER)):
            (inside / f"{number + 1:02d} Title {album}-{number}.mp3").write_bytes(b"x")


def make_songs(folder: Path) -> None:
    """Store a song for each file, as it lies there."""
    from catalog.importing.tables import batches
    from catalog.importing.walking import FoundFile, walk
    from catalog.models import LibraryRoot, Song

    root = LibraryRoot.objects.create(name="Music", path=str(folder), rescan=True)
    for entries in batches(walk(folder, "", set()), _AT_ONCE):
        songs = []
        for found in entries:
            if not isinstance(found, FoundFile):
                raise SystemExit(f"{found.path}: {found.reason}")
            artist, album, name = found.path.split("/")
            song = Song(
                title=name[3:-4], artist=artist, album=album, root=root, path=found.path, size=found.size,
                mtime_ns=found.mtime_ns, file_state=found.state, tagging_state=Song.Tagging.DONE, duration_s=200.0,
            )  # fmt: skip
            song.set_keys()
            songs.append(song)
        Song.objects.bulk_create(songs)


def stat_all(folder: Path) -> int:
    """What no scan can do without: list every folder, and ask the size of every file."""
    files, folders = 0, [str(folder)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    files += entry.stat().st_size > 0
    return files


def scanned(what: str) -> None:
    """Scan every root, and print how long it took."""
    from catalog.models import LibraryRoot
    from catalog.services.library import rescan

    [root] = LibraryRoot.objects.all()
    begun, cpu = time.perf_counter(), time.process_time()
    report = rescan(root)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    said = report.summary if report else "another scan was at work"
    print(f"{what}: {seconds:.1f} s, {cpu:.1f} s of a core, {peak_mb:.0f} MB at most; {said}", flush=True)


def main() -> None:
    """Measure, and print a line for each scan."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where the files are made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dcmrs-benchmark-", dir=options.folder) as name:
        folder = Path(name).resolve()
        os.environ["DCMRS_HOME"] = str(folder / "home")
        set_up()
        music = folder / "music"
        music.mkdir()
        make_files(music, options.songs)
        print("files are made", file=sys.stderr)
        make_songs(music)
        print("songs are stored", file=sys.stderr)
        begun = time.perf_counter()
        files = stat_all(music)
        print(f"{files:,} files listed and asked for their sizes: {time.perf_counter() - begun:.1f} s", flush=True)
        scanned("all are known")
        scanned("once more")


if __name__ == "__main__":
    main()
