"""What every test stands on: a home and a database of its own, and `../shared` where it is there."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.conf import settings
from django.core.cache import cache
from pytest_django import Settings

PROJECT = Path(__file__).resolve().parent.parent
SHARED = PROJECT.parent / "shared" / "data"

if settings.configured:
    pytest.exit("Unset DJANGO_SETTINGS_MODULE: with it, Django reads its settings before the tests have their home.", 4)

# Before Django reads its settings: a test never touches the home, database or Redis of whoever runs it.
HOME = Path(tempfile.mkdtemp(prefix="dcmrs-test-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
os.environ["DCMRS_HOME"] = str(HOME)
for name in ("DATABASE_URL", "REDIS_URL"):
    os.environ.pop(name, None)
if "TEST_DATABASE_URL" in os.environ:
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
os.environ["DJANGO_SETTINGS_MODULE"] = "dcmrs_site.settings"
# No test collects the static files: they are served from where they lie, under their plain names.
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
settings.STATIC_ROOT.mkdir()
# Safe passwords take long, on purpose.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
settings.REST_FRAMEWORK["TEST_REQUEST_DEFAULT_FORMAT"] = "json"
django.setup()
# A worker of pytest-xdist inherits the environment, and pytest-django would read the settings before this file.
del os.environ["DJANGO_SETTINGS_MODULE"]


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """No test is throttled for what an earlier one asked, or finds the songs of an earlier one."""
    from catalog.services import song_index

    cache.clear()
    song_index.forget()


@pytest.fixture(autouse=True)
def _no_uploads_of_earlier_tests() -> None:
    """What an earlier test uploaded is not found by a scan: with the same sound it would be the song itself."""
    shutil.rmtree(HOME / "uploads", ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On another database than SQLite, only what touches it has to run again."""
    if "TEST_DATABASE_URL" not in os.environ:
        return
    left_out = [item for item in items if not _touches_the_database(item)]
    items[:] = [item for item in items if _touches_the_database(item)]
    config.hook.pytest_deselected(items=left_out)


def _touches_the_database(item: pytest.Item) -> bool:
    marked = any(item.get_closest_marker(name) for name in ("django_db", "postgres", "redis"))
    return marked or not {"db", "transactional_db"}.isdisjoint(getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real recordings, plays, labels and weights beside the project."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there")
    return SHARED


@pytest.fixture
def snapshots(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """The folder of this test's snapshots."""
    from recommender import snapshot

    folder = tmp_path / "snapshots"
    files = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = {**settings.STORAGES, "snapshots": {"BACKEND": files, "OPTIONS": {"location": folder}}}
    yield folder
    snapshot._loaded.clear()
