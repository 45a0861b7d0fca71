"""Answers as players read them: one description of plain values, written as JSON, JSONP or XML. No Django.

A description is made of mappings, lists, texts, numbers and booleans, and of pieces that are written already. In XML a
mapping is an element, its single values are attributes, and what it holds more of are elements inside; what stands as
text, or as elements in the place of attributes, is named in `written` by element.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from .written import Description, write_json, write_xml

PROTOCOL_VERSION = "1.16.1"
SERVER_NAME = "dcmrs"
SERVER_VERSION = "1.0.0"
NAMESPACE = "http://subsonic.org/restapi"

_CALLBACK = re.compile(r"[A-Za-z_$][\w$]{0,60}(\.[A-Za-z_$][\w$]{0,60}){0,4}", re.ASCII)


def succeeded(payload: Description | None = None) -> dict[str, Any]:
    """The answer to what went well, with what was asked for in it."""
    return {"subsonic-response": {"status": "ok", **_head(), **(payload or {})}}


def failed(code: int, message: str, help_url: str = "") -> dict[str, Any]:
    """The answer to what went wrong."""
    error = {"code": code, "message": message} | ({"helpUrl": help_url} if help_url else {})
    return {"subsonic-response": {"status": "failed", **_head(), "error": error}}


def _head() -> dict[str, Any]:
    return {"version": PROTOCOL_VERSION, "type": SERVER_NAME, "serverVersion": SERVER_VERSION, "openSubsonic": True}


def as_json(answer: Description) -> bytes:
    """An answer as JSON, in UTF-8."""
    return write_json(answer)


def as_jsonp(answer: Description, callback: str) -> bytes:
    """An answer as a script that calls a function of the page with it.

    Raises
    ------
    ValueError
        If `callback` is no name of a function.
    """
    if not is_callback(callback):
        raise ValueError("callback is no name of a function")
    # Two signs that end a line in a script and not in JSON.
    written = as_json(answer).decode().replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f"/**/{callback}({written});".encode()


def is_callback(text: str) -> bool:
    """Whether a text can be the name of a function."""
    return _CALLBACK.fullmatch(text) is not None


def as_xml(answer: Description) -> bytes:
    """An answer as XML, in UTF-8."""
    [(name, content)] = answer.items()
    written = write_xml(name, {"xmlns": NAMESPACE, **content})
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{written}'.encode()


def moment(at: datetime) -> str:
    """A moment as the protocol writes it: ISO 8601, in UTC."""
    # Without +00:00.
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def moment_of(seconds: float) -> str:
    """A moment as the protocol writes it, from seconds of the epoch."""
    minute, milliseconds = divmod(int(1000 * seconds), 60_000)
    return f"{_minute(minute)}{milliseconds // 1000:02}.{milliseconds % 1000:03}Z"


@lru_cache(maxsize=10_000)
def _minute(minute: int) -> str:
    # Each song of a list says when it came, and thousands came within a minute.
    return datetime.fromtimestamp(60 * minute, UTC).strftime("%Y-%m-%dT%H:%M:")
