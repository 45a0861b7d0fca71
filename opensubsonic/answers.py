"""Answers as players read them: one description of plain values, written as JSON, JSONP or XML. No Django.

A description is made of mappings, lists, texts, numbers and booleans. In XML a mapping is an element, its single
values are attributes, and what it holds more of are elements inside; what stands as text, or as elements in the place
of attributes, is named here by element.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import orjson

PROTOCOL_VERSION = "1.16.1"
SERVER_NAME = "dcmrs"
SERVER_VERSION = "1.0.0"
NAMESPACE = "http://subsonic.org/restapi"

Description: TypeAlias = Mapping[str, Any]

# Elements whose `value` is their text.
_WITH_TEXT = frozenset({"genre", "lyrics", "line", "cue"})
# Elements whose single values are elements inside.
_WITHOUT_ATTRIBUTES = frozenset({"albumInfo", "artistInfo", "artistInfo2"})
# XML 1.0 cannot hold them, however they are escaped; so that both say the same, JSON does without them too.
_IMPOSSIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# The same in JSON, where control characters are escaped; what only looks like it is looked at more slowly.
_PERHAPS_IMPOSSIBLE = re.compile(rb"\\(?:u00|b|f)|\xef\xbf[\xbe\xbf]")
_SPECIAL = re.compile('[\x00-\x1f&<>"\ud800-\udfff\ufffe\uffff]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_TRUTHS = {True: "true", False: "false"}
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
    try:
        # Five times as fast as Python's own: a list of five hundred songs is half a megabyte.
        written = orjson.dumps(answer)
    except TypeError:
        # Half of a pair of surrogates, or a number beyond 64 bits.
        return _dumped(_possible(answer))
    return _dumped(_possible(answer)) if _perhaps_impossible(written) else written


def _perhaps_impossible(written: bytes) -> bool:
    # Looking for two bytes takes a hundredth of what the expression takes for half a megabyte.
    return (b"\\" in written or b"\xef\xbf" in written) and _PERHAPS_IMPOSSIBLE.search(written) is not None


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
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    [(name, content)] = answer.items()
    _write(parts, name, {"xmlns": NAMESPACE, **content})
    return "".join(parts).encode()


def _dumped(answer: Description) -> bytes:
    return json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _possible(value: Any) -> Any:
    if isinstance(value, str):
        return _IMPOSSIBLE.sub("", value)
    if isinstance(value, Mapping):
        return {name: _possible(inner) for name, inner in value.items()}
    return [_possible(inner) for inner in value] if isinstance(value, list | tuple) else value


def _write(parts: list[str], name: str, content: Any) -> None:
    """Write one element, or one for each of several."""
    if isinstance(content, dict):
        _write_mapping(parts, name, content)
    elif isinstance(content, list | tuple):
        for one in content:
            _write(parts, name, one)
    else:
        parts.append(f"<{name}>{_text(content)}</{name}>")


def _write_mapping(parts: list[str], name: str, content: Description) -> None:
    # Half a thousand songs have fifteen thousand values: looking at a class is quicker than asking what it is.
    inside: list[tuple[str, Any]] = []
    text = ""
    parts.append(f"<{name}")
    for key, value in content.items():
        kind = value.__class__
        if kind is dict or kind is list or kind is tuple or name in _WITHOUT_ATTRIBUTES:
            inside.append((key, value))
        elif key == "value" and name in _WITH_TEXT:
            text = _text(value)
        else:
            parts.append(f' {key}="{value if kind is int else _text(value)}"')
    if not inside and not text:
        parts.append("/>")
        return
    parts.append(f">{text}")
    for key, value in inside:
        _write(parts, key, value)
    parts.append(f"</{name}>")


def _text(value: Any) -> str:
    if value.__class__ is not str:
        return _TRUTHS[value] if isinstance(value, bool) else _text(str(value))
    return _SPECIAL.sub(_escaped, value) if _SPECIAL.search(value) else value


def _escaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0], "")


def without_nothing(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Named values without those that are None."""
    return {name: value for name, value in values if value is not None}
