"""What a thread reads when a test ends is waited for."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from catalog.models import Song

from .factories import make_song

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]

_reading = threading.Event()


@pytest.mark.parametrize("time", ["first", "second"])
def test_a_database_is_emptied_though_a_thread_reads_in_it(time: str) -> None:
    assert not Song.objects.exists(), "the test before has emptied it"
    for number in range(3):
        make_song(f"{time} {number}")
    began = threading.Event()

    def read_slowly() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT title FROM catalog_song")
            cursor.fetchone()
            began.set()
            # Longer than the test lasts; nothing tells it to end.
            _reading.wait(1.0)
            cursor.fetchall()
        connection.close()

    threading.Thread(target=read_slowly, name="reads-on", daemon=True).start()
    assert began.wait(10)
