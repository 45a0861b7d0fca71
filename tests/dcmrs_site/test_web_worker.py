"""The web server's worker: who computes lets the others go first."""

from __future__ import annotations

import sys
import time
from socket import socket
from typing import Any

import pytest
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from dcmrs_site.web_worker import MANNERS_S, MannerlyWorker


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> MannerlyWorker:
    """A worker without a process of its own; what it accepts and how long it waits is noted down."""
    monkeypatch.setattr(ThreadWorker, "__init__", lambda *_: None)
    monkeypatch.setattr(ThreadWorker, "load_wsgi", lambda _: None)
    monkeypatch.setattr(sys, "setswitchinterval", lambda _: None)
    return MannerlyWorker()


def test_a_request_counts_while_its_answer_is_made_and_not_while_it_is_sent(worker: MannerlyWorker) -> None:
    seen = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(worker.computing)
        return [b"sound"]

    worker.wsgi = application
    worker.load_wsgi()
    answer = worker.wsgi({}, None)
    assert seen == [1]
    assert worker.computing == 0
    assert list(answer) == [b"sound"]


def test_a_request_that_fails_is_over_too(worker: MannerlyWorker) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise ValueError("broken")

    worker.wsgi = application
    worker.load_wsgi()
    with pytest.raises(ValueError, match="broken"):
        worker.wsgi({}, None)
    assert worker.computing == 0


@pytest.mark.parametrize(("computing", "waits"), [(0, []), (1, [MANNERS_S]), (3, [3 * MANNERS_S]), (50, [0.04])])
def test_who_computes_more_comes_later(
    worker: MannerlyWorker, monkeypatch: pytest.MonkeyPatch, computing: int, waits: list[float]
) -> None:
    slept: list[float] = []
    taken: list[socket] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(ThreadWorker, "accept", lambda _, listener: taken.append(listener))
    worker.computing = computing
    with socket() as listener:
        worker.accept(listener)
        assert taken == [listener]
    assert slept == pytest.approx(waits)
