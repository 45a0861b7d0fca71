"""How much memory each process of the server takes, at rest and at work, with an eleven-hour file in the library.

    python -m benchmarks.memory [--music DIR] [--weights DIR] [--format table|json]

Starts the whole server with `up` on a temporary home, and has its worker listen to every song. Memory is the
proportional set size (PSS): what processes share is divided among them, so that the column can be added up. Linux only.
"""

from __future__ import annotations

import argparse
import json
import signal
import tempfile
import time
from pathlib import Path

from catalog.home import PROJECT_ROOT
from tests.audio import write_long_silence
from tests.services.server import Server

from .requirements import folder, linux, require

SHARED = PROJECT_ROOT.parent / "shared" / "data"
HOURS = 11.0
SECONDS_BETWEEN_LOOKS = 0.2


def role(command: str) -> str:
    """Which of the server's processes a command line is."""
    known = {"redis-server": "redis", "gunicorn": "web", " worker": "worker", " beat": "beat", "/bin/sh": "guardian"}
    return next((name for part, name in known.items() if part in command), "up")


def pss_megabytes(pid: int) -> float:
    """The proportional set size of a process; 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def look(server: Server) -> dict[int, tuple[str, float]]:
    """Role and memory of every process, by its id."""
    return {pid: (role(command), pss_megabytes(pid)) for pid, command in server.left().items()}


def measure(music: Path, weights: Path, home: Path) -> list[dict[str, object]]:
    """Memory of each process in megabytes: at rest before anything is heard, and the most while it is.

    Raises
    ------
    TimeoutError
        If the server does not start.
    """
    server = Server(home / "home", None)
    server.home.mkdir()
    long_file = home / "long" / "eleven-hours.mp3"
    long_file.parent.mkdir()
    write_long_silence(long_file, HOURS)
    try:
        server.manage("migrate", "-v0")
        server.start()
        server.wait_until_well()
        rest = look(server)
        server.manage("taggers", "install", "--from", str(weights))
        server.manage("import_music", str(music), str(long_file.parent))
        most = dict(rest)
        while server.rows("SELECT 1 FROM catalog_song WHERE tagging_state IN ('pending', 'running')"):
            for pid, (name, megabytes) in look(server).items():
                most[pid] = (name, max(megabytes, most.get(pid, (name, 0.0))[1]))
            time.sleep(SECONDS_BETWEEN_LOOKS)
        states = dict(server.rows("SELECT tagging_state, count(*) FROM catalog_song GROUP BY tagging_state"))
        server.send(signal.SIGINT)
    finally:
        server.kill_all()
    if set(states) != {"done"}:
        raise SystemExit(f"not every song was heard: {states}")
    return [
        {"process": name, "at_rest_mb": rest[pid][1] if pid in rest else None, "most_mb": megabytes}
        for pid, (name, megabytes) in sorted(most.items(), key=lambda item: (item[1][0], item[0]))
        if megabytes
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--music", type=Path, default=SHARED / "audio")
    parser.add_argument("--weights", type=Path, default=SHARED / "weights")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    arguments = parser.parse_args()
    require(linux(), folder(arguments.music, "--music"), folder(arguments.weights, "--weights"))
    with tempfile.TemporaryDirectory(prefix="dcmrs-benchmark-") as home:
        figures = measure(arguments.music, arguments.weights, Path(home))
    if arguments.format == "json":
        print(json.dumps(figures))
        return
    print(f"{'process':<10} {'at rest':>9} {'at most':>9}   MB (PSS)")
    for row in figures:
        rest = row["at_rest_mb"]
        print(f"{row['process']:<10} {'' if rest is None else format(rest, '9.0f'):>9} {row['most_mb']:9.0f}")
    total_rest = sum(float(str(row["at_rest_mb"] or 0)) for row in figures)
    print(f"{'together':<10} {total_rest:9.0f}")


if __name__ == "__main__":
    main()
