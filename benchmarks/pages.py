"""How fast the pages are: a library of 10,000 songs and 1,000 listeners, the real web server, 8 requests at once.

    python -m benchmarks.pages [--songs N] [--listeners N] [--requests N] [--at-once N] [--pages NAME ...]
                               [--without PART ...] [--folder DIR] [--no-browser] [--format table|json]

Makes a library without audio files in a temporary home, starts the web server as `up` does, logs listeners in, and
measures from the first byte sent to the last byte read. Songs, labels and plays have long tails, as real ones do. The
pages are all of `tests/pages.py`, each asked for by whom it names there: strangers, listeners, listeners who have done
nothing yet, and staff. What the snapshot took, part by part, the first answer of each web process, and the memory of
the largest are printed too; with `--folder` the library stays, for the next time.

Then, in a Chromium that has never been here: what a first visit to each page sends without pictures and sound,
compressed as served, by kind, and when the page is first painted, and its largest part; nothing is throttled. Without
a Chromium that is left out, and so it is where the browser fails: what else was measured is printed all the same.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil  # type: ignore[import-untyped]

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from benchmarks.first_visits import Visit, first_visits, visits_table  # noqa: E402
from benchmarks.made_library import Built, in_process  # noqa: E402
from benchmarks.page_clients import Addresses, Client, logged_in  # noqa: E402
from benchmarks.requirements import can, chromium  # noqa: E402
from benchmarks.web import memory_mb, web_server  # noqa: E402
from tests.pages import PAGES, PARTS, SitePage  # noqa: E402


class Figures(NamedTuple):
    """What was measured of one page, in milliseconds."""

    page: str
    median: float
    p95: float
    slowest: float
    per_second: float
    cpu: float
    kilobytes: float


class WebProcess(NamedTuple):
    """The web processes: seconds until each has answered with the library, and megabytes of the largest one.

    `own_mb` is what nobody else has, `all_mb` also what is shared and mapped from files.
    """

    first_answer_s: float
    own_mb: float
    all_mb: float


class Report(NamedTuple):
    """All that was measured."""

    built: Built
    process: WebProcess
    pages: list[Figures]
    visits: list[Visit]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "snapshot": self.built._asdict(),
            "process": self.process._asdict(),
            "pages": [one._asdict() for one in self.pages],
            "visits": [one._asdict() for one in self.visits],
        }


def measured_rows(names: list[str] | None) -> list[SitePage]:
    """The pages to measure: those named, or all.

    Raises
    ------
    SystemExit
        If no page has such a name.
    """
    rows = [*PAGES, *PARTS]
    if unknown := set(names or ()) - {row.name for row in rows}:
        raise SystemExit(f"No page is named {', '.join(sorted(unknown))}.")
    return [row for row in rows if not names or row.name in names]


def warmed_up(clients: list[Client]) -> float:
    """Have every web process read the library, for which many ask for it at once; seconds until all are answered."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(lambda client: [client.get("/library/") for _ in range(2)], clients))
    return time.perf_counter() - begun


def measure(
    page: str, clients: list[Client], n: int, path: Callable[[int, str], str], status: int, server: psutil.Process
) -> Figures:
    """Ask for n pages, as many at once as there are clients, each client one after another."""
    per_client = n // len(clients)

    def ask(number: int) -> list[tuple[float, int]]:
        asked = []
        for i in range(per_client):
            begun = time.perf_counter()
            size = len(clients[number].get(path(number * per_client + i, clients[number].username), status))
            asked.append((time.perf_counter() - begun, size))
        return asked

    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(lambda client: client.get(path(0, client.username), status), clients))
        cpu, begun = _cpu(server), time.perf_counter()
        asked = [one for some in pool.map(ask, range(len(clients))) for one in some]
        took, cpu = time.perf_counter() - begun, _cpu(server) - cpu
    times = np.array([seconds for seconds, _ in asked]) * 1000
    sizes = np.mean([size for _, size in asked]) / 1000
    return Figures(
        page=page,
        median=float(np.quantile(times, 0.5)),
        p95=float(np.quantile(times, 0.95)),
        slowest=float(times.max()),
        per_second=len(asked) / took,
        cpu=cpu / len(asked) * 1000,
        kilobytes=float(sizes),
    )


def _cpu(server: psutil.Process) -> float:
    """CPU seconds of the server's workers so far."""
    return sum(sum(process.cpu_times()[:2]) for process in server.children(recursive=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=10_000)
    parser.add_argument("--listeners", type=int, default=1_000)
    parser.add_argument("--requests", type=int, default=160)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--pages", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--without", nargs="*", default=[], metavar="PART", help="parts that the snapshot is without")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where the library stays, for the next time")
    parser.add_argument("--no-browser", action="store_true", help="no first visits in a Chromium")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    options = parser.parse_args()
    options.no_browser = options.no_browser or not can("First visits", chromium())

    with tempfile.TemporaryDirectory(prefix="dcmrs-benchmark-") as temporary:
        home = (options.folder or Path(temporary)).resolve()
        os.environ |= {"DCMRS_HOME": str(home), "DJANGO_SETTINGS_MODULE": "dcmrs_site.settings"}
        built = made(home, options)
        figures, process, visits, failure = run(options)
    report = Report(built, process, figures, visits)
    print(json.dumps(report.as_dict()) if options.format == "json" else table(options, report))
    if failure:
        sys.exit(f"First visits could not be measured: {failure}")


def made(home: Path, options: argparse.Namespace) -> Built:
    """Make the library and its snapshot, each in a process of its own; what is there from the last time stays.

    Raises
    ------
    SystemExit
        If another library is in the folder.
    """
    home.mkdir(parents=True, exist_ok=True)
    note, wanted = home / "benchmark.json", {"songs": options.songs, "listeners": options.listeners}
    there = json.loads(note.read_text()) if note.exists() else {}
    if not there:
        print("making the library", file=sys.stderr)
        in_process("library", "--songs", str(options.songs), "--listeners", str(options.listeners))
        note.write_text(json.dumps(wanted))
    elif {name: there[name] for name in wanted} != wanted:
        raise SystemExit(f"{home} has a library of {there['songs']:,} songs and {there['listeners']:,} listeners.")
    if "built" not in there:
        print("building the snapshot", file=sys.stderr)
        there = wanted | {"built": json.loads(in_process("snapshot", "--without", *options.without))}
        note.write_text(json.dumps(there))
    return Built(**there["built"])


def table(options: argparse.Namespace, report: Report) -> str:
    """What was measured, as text."""
    size = f"{options.songs:,} songs, {options.listeners:,} listeners"
    parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in report.built.seconds.items())
    lines = [
        f"{size}, {options.at_once} requests at once, {os.cpu_count()} cores",
        f"snapshot: {sum(report.built.seconds.values()):.0f} s, {report.built.cpu:.0f} s of a core, "
        f"{report.built.peak_mb:.0f} MB at most, {report.built.disk_mb:.0f} MB on disk ({parts})",
        f"first answer that reads the library: {report.process.first_answer_s:.1f} s; a web process: "
        f"{report.process.own_mb:.0f} MB of its own, {report.process.all_mb:.0f} MB with what is mapped",
        f"{'':<34} {'median':>9} {'95th':>9} {'slowest':>9} {'a second':>9} {'CPU each':>9} {'size':>8}",
    ]
    lines += [
        f"{one.page:<34} {one.median:>6.0f} ms {one.p95:>6.0f} ms {one.slowest:>6.0f} ms "
        f"{one.per_second:>9.0f} {one.cpu:>6.1f} ms {one.kilobytes:>5.0f} kB"
        for one in report.pages
    ]
    return "\n".join([*lines, *(visits_table(report.visits) if report.visits else [])])


def run(options: argparse.Namespace) -> tuple[list[Figures], WebProcess, list[Visit], str]:
    """Start the server and measure; last, why there are no first visits, empty where nothing failed."""
    import django

    django.setup()
    from django.contrib.auth.models import User
    from playwright.sync_api import Error as BrowserError

    from recommender.models import Dial
    from recommender.services.dial import turn

    rows, address = measured_rows(options.pages), Addresses.of_library()
    with web_server() as (port, server):
        print("logging in", file=sys.stderr)
        clients = {who: logged_in(port, who, options.at_once) for who in {"mira", *(row.who for row in rows)}}
        first_answer_s = warmed_up(clients["mira"])

        def measured(name: str, row: SitePage) -> Figures:
            print(name, file=sys.stderr)
            path = partial(address.of, row)
            return measure(name, clients[row.who], options.requests, path, row.status, server)

        figures = [measured(row.name, row) for row in rows]
        visits, failure = list[Visit](), ""
        if not options.no_browser:
            pages = {row.name: address.of(row, 1, "listener-0") for row in rows if row in PAGES and row.who == "mira"}
            try:
                visits = first_visits(f"http://127.0.0.1:{port}", pages)
            except BrowserError as error:
                failure = error.message
        people = list(User.objects.filter(username__in=[client.username for client in clients["mira"]]))
        for row in rows:
            if row.name == "for-you":
                for user in people:
                    turn(user, Dial.END)
                figures.append(measured("for-you, most adventurous", row))
                for user in people:
                    turn(user, 0)
        largest = max((memory_mb(one.pid) for one in server.children(recursive=True)), key=lambda one: one["rss"])
    return figures, WebProcess(first_answer_s, largest["uss"], largest["rss"]), visits, failure


if __name__ == "__main__":
    main()
