from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.test import Client
from redis.backoff import NoBackoff
from redis.retry import Retry

from catalog.cache import RedisCache
from tests.factories import make_song, make_user

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


@pytest.fixture
def gone(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache whose Redis is not there."""
    options = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5, "retry": Retry(NoBackoff(), 0)}
    settings.CACHES = {
        "default": {"BACKEND": "catalog.cache.RedisCache", "LOCATION": NOBODY_LISTENS, "OPTIONS": options}
    }
    monkeypatch.setattr(RedisCache, "gone_until", float("-inf"))


@pytest.mark.usefixtures("gone")
def test_a_cache_that_is_gone_holds_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert isinstance(caches["default"], RedisCache)
    cache.set("key", 1)
    assert cache.get("key", "nothing") == "nothing"
    assert cache.get_many(["key"]) == {}
    assert cache.set_many({"key": 1}) == ["key"]
    assert not cache.add("key", 1)
    assert not cache.touch("key")
    assert "key" not in cache
    assert not cache.delete("key")
    cache.delete_many(["key"])
    assert cache.get_or_set("key", lambda: "made") == "made"
    with pytest.raises(ValueError, match="not found"):
        cache.incr("key")
    assert caplog.text.count("The cache is gone") == 1


@pytest.mark.usefixtures("gone")
def test_a_cache_that_is_gone_is_asked_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.get("key")
    assert RedisCache.gone_until > time.monotonic()
    monkeypatch.setattr(RedisCache, "gone_until", time.monotonic())
    cache.get("key")
    assert RedisCache.gone_until > time.monotonic()


@pytest.mark.django_db
@pytest.mark.usefixtures("gone")
def test_pages_and_the_api_work_without_the_cache() -> None:
    user = make_user("ada")
    make_song(labels={"jazz": 0.5})
    password = {"username": "ada", "password": "correct horse"}
    client = Client()
    token = client.post("/api/token/", password, content_type="application/json")
    assert token.status_code == 200
    assert client.get("/api/songs/", headers={"Authorization": f"Token {token.json()['token']}"}).status_code == 200
    assert client.post("/accounts/login/", {**password, "password": "wrong"}).status_code == 200
    assert client.post("/accounts/login/", password).status_code == 302
    for address in ("/", "/library/", "/library/labels/", "/ratings/"):
        assert client.get(address).status_code == 200, address
    assert user.is_active
