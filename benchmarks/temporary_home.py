"""A home that lives for one benchmark."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Have Django work in a new `DCMRS_HOME`, with its embedded database and without Redis, until it ends.

    Only once in a process: Django reads its settings once.
    """
    with tempfile.TemporaryDirectory(prefix="dcmrs-benchmark-") as home:
        os.environ |= {
            "DCMRS_HOME": home,
            "DJANGO_SETTINGS_MODULE": "dcmrs_site.settings",
            "ALLOWED_HOSTS": "testserver,127.0.0.1",
        }
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        import django

        django.setup()
        yield Path(home)
