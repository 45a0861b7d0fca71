"""What every test stands on: a home and a database of its own, and `../shared` where it is there."""

import atexit
import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import django
import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from pytest_django import DjangoDbBlocker, Settings
from xdist.remote import Producer

from . import flushing, migrated, slowness, statements
from .scheduling import Scheduling, is_waiting

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

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
flushing.flush_patiently()
# A worker of pytest-xdist inherits the environment, and pytest-django would read the settings before this file.
del os.environ["DJANGO_SETTINGS_MODULE"]

# No example fails because the machine was busy. CI tries the same ones every time, and everybody else new ones.
hypothesis.settings.register_profile(
    "dcmrs",
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("dcmrs")


@pytest.fixture(scope="session")
def tables(
    django_db_modify_db_settings: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[migrated.Tables | None]:
    """The tables that migrations make, once for all processes; None where there is only one."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        with migrated.made_once(tmp_path_factory.getbasetemp().parent) as tables:
            yield tables
    else:
        yield None


@pytest.fixture(scope="session")
def django_db_setup(tables: migrated.Tables | None, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Make the test database as pytest-django does, but migrate in one process only."""
    if tables is not None:
        with django_db_blocker.unblock():
            tables.keep()


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """No test is throttled for what an earlier one asked, or finds the songs of an earlier one."""
    from catalog.services import absences, song_index

    cache.clear()
    absences.here.forget()
    song_index.reset()


@pytest.fixture(autouse=True)
def _no_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """A heartbeat is a thread with a connection of its own, which does not see into a test's transaction.

    Without one, a lease lasts as long as the test: on a busy machine it would run out on its own.
    """
    from catalog import leases

    monkeypatch.setattr(leases, "HEARTBEAT_EVERY_S", 3600.0)
    monkeypatch.setattr(leases, "LEASE", timedelta(hours=1))


@pytest.fixture(autouse=True)
def _no_thread_goes_on() -> Iterator[None]:
    """What a request has begun beside itself is done before the database is emptied, and before the next test."""
    yield
    flushing.wait_for_threads()


@pytest.fixture(autouse=True)
def _no_uploads_of_earlier_tests() -> None:
    """What an earlier test uploaded is not found by a scan: with the same sound it would be the song itself."""
    shutil.rmtree(HOME / "uploads", ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What waits comes first, then what takes long. On another database than SQLite, only what is about one runs again.

    That is every test that touches the database (by pytest-django's marker or fixtures, or in servers of its own), but
    for those marked as `long` or `one_database`, those of pages, and those that ask it for nothing that others do not
    ask for too (`statements.py`): each way of asking the database has a test.
    """
    slowness.mark(items)
    # Tests that empty the database stay behind those that find it as migrations left it.
    items.sort(key=lambda item: (not is_waiting(item.nodeid), item.get_closest_marker("long") is None))
    if "TEST_DATABASE_URL" not in os.environ:
        return
    same = frozenset() if config.pluginmanager.has_plugin("tests.statements") else statements.read()
    runs = [_is_about_the_database(item) and slowness.name(item.nodeid) not in same for item in items]
    config.hook.pytest_deselected(items=[item for item, does_run in zip(items, runs, strict=True) if not does_run])
    items[:] = itertools.compress(items, runs)


def pytest_collection_finish() -> None:
    """Have the collector pass over all that is imported: it stays, and looking through it takes long."""
    gc.collect()
    gc.freeze()


def _is_about_the_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("long") or item.get_closest_marker("one_database") or _is_of_pages(item.path):
        return False
    marked = any(item.get_closest_marker(name) for name in ("django_db", "postgres", "redis"))
    return marked or not {"db", "transactional_db"}.isdisjoint(getattr(item, "fixturenames", ()))


def _is_of_pages(file: Path) -> bool:
    """Whether its tests are of pages or players' calls: these ask by services, and test_every_page.py opens each."""
    return "pages" in file.stem.split("_") or file.parent.name == "opensubsonic"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real recordings, plays, labels and weights beside the project."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there")
    return SHARED


@pytest.fixture
def listener(client: "Client") -> "User":
    """The user that `client` is logged in as."""
    from tests.factories import make_user

    user = make_user()
    client.force_login(user)
    return user


@pytest.fixture
def snapshots(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """The folder of this test's snapshots."""
    from recommender.snapshots import current

    folder = tmp_path / "snapshots"
    _store_snapshots(settings, "django.core.files.storage.FileSystemStorage", location=folder)
    yield folder
    current._loaded.clear()


@pytest.fixture
def fill_disk(settings: Settings, snapshots: Path) -> Callable[[str], None]:
    """Leave no room for files of snapshots that have something in their names."""
    return lambda full_for: _store_snapshots(settings, "tests.storages.FullDisk", location=snapshots, full_for=full_for)


def _store_snapshots(settings: Settings, storage: str, **options: object) -> None:
    settings.STORAGES = {**settings.STORAGES, "snapshots": {"BACKEND": storage, "OPTIONS": options}}
