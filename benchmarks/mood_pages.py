"""How other pages fare while pictures are read: the real web server, some who send pictures, one who reads pages.

    python benchmarks/mood_pages.py [--senders N] [--requests N] [--songs N] [--format table|json]

Makes a library without audio files in a temporary home, starts the web server as `up` does, and asks for the library's
page one time after another: first alone, then while others send pictures of 2 megapixels as fast as they are answered.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from benchmarks.made_library import make_library  # noqa: E402
from benchmarks.page_clients import Client  # noqa: E402
from benchmarks.web import web_server  # noqa: E402
from tests.mood.pictures import portrait  # noqa: E402

PAGE = "/library/"


class Sender(Client):
    """A listener who sends pictures."""

    def send(self, picture: bytes) -> int:
        """The status of the answer."""
        boundary = b"--picture--of--a--face"
        head = b'Content-Disposition: form-data; name="picture"; filename="me.jpg"\r\nContent-Type: image/jpeg'
        body = b"--%s\r\n%s\r\n\r\n%s\r\n--%s--\r\n" % (boundary, head, picture, boundary)
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary.decode()}",
            "X-CSRFToken": self.cookies["csrftoken"],
            "HX-Request": "true",
        }
        return self._request("POST", "/mood/picture/", body, headers)[0]


def selfie() -> bytes:
    """A JPEG of 2 megapixels with a face and a camera's noise."""
    image = Image.new("L", (1632, 1224), 110)
    image.paste(portrait(900), (350, 200))
    noisy = np.asarray(image) + np.random.default_rng(3).normal(0, 6, (1224, 1632))
    buffer = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).convert("RGB").save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def ask(client: Client, n: int) -> dict[str, float]:
    """Milliseconds of n pages, one after another."""
    times = []
    for _ in range(n):
        begun = time.perf_counter()
        client.get(PAGE)
        times.append(1000 * (time.perf_counter() - begun))
    return {"median": float(np.median(times)), "p95": float(np.quantile(times, 0.95)), "slowest": max(times)}


def measure(senders: int, requests: int, port: int) -> dict[str, Any]:
    """The page alone and meanwhile, and what became of the pictures."""
    picture, reader = selfie(), Client(port, "listener-0")
    sending = [Sender(port, f"listener-{number + 1}") for number in range(senders)]
    begun = time.perf_counter()
    sending[0].send(picture)
    first = time.perf_counter() - begun
    for sender in sending:
        sender.send(picture)
    ask(reader, 10)
    alone = ask(reader, requests)
    over, statuses = threading.Event(), Counter[int]()

    def keep_sending(sender: Sender) -> None:
        while not over.is_set():
            statuses[sender.send(picture)] += 1

    with ThreadPoolExecutor(senders) as pool:
        running = [pool.submit(keep_sending, sender) for sender in sending]
        begun = time.perf_counter()
        meanwhile = ask(reader, requests)
        seconds = time.perf_counter() - begun
        over.set()
        for one in running:
            one.result()
    return {
        "page": PAGE,
        "senders": senders,
        "first_reading_s": first,
        "alone_ms": alone,
        "meanwhile_ms": meanwhile,
        "readings_a_second": statuses[200] / seconds,
        "statuses": dict(sorted(statuses.items())),
    }


def table(report: dict[str, Any]) -> str:
    """The report for people."""
    lines = [f"{os.cpu_count()} cores; the page {report['page']}, asked one time after another"]
    for name, said in (("alone_ms", "alone"), ("meanwhile_ms", f"while {report['senders']} send pictures")):
        figures = report[name]
        lines.append(
            f"{said:<24} median {figures['median']:5.0f} ms, 95th {figures['p95']:5.0f} ms, "
            f"slowest {figures['slowest']:5.0f} ms"
        )
    answers = ", ".join(f"{count} with {status}" for status, count in report["statuses"].items())
    lines.append(f"{report['readings_a_second']:.1f} pictures read a second, the very first in ")
    lines[-1] += f"{report['first_reading_s']:.1f} s; answered: {answers}"
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--senders", type=int, default=6)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--songs", type=int, default=2000)
    parser.add_argument("--format", choices=["table", "json"], default="table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dcmrs-benchmark-") as home:
        os.environ |= {
            "DCMRS_HOME": home,
            "DJANGO_SETTINGS_MODULE": "dcmrs_site.settings",
            "PICTURE_RATE": "1000000/min",
            "API_RATE_USER": "1000000/min",
        }
        import django
        from django.core.management import call_command

        django.setup()
        print("making the library", file=sys.stderr)
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        make_library(options.songs, 50)
        with web_server() as (port, _):
            print("sending pictures", file=sys.stderr)
            report = measure(options.senders, options.requests, port)
    print(json.dumps(report) if options.format == "json" else table(report))


if __name__ == "__main__":
    main()
