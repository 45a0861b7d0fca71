"""Descriptions that are written already: parts of answers that are kept, and written once for many answers. No Django.

A piece is a mapping as it stands in a form, without what is around it: so what is the same for everybody can be joined
with what a listener says of it. Texts in a piece have nothing in them that XML cannot hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias

import orjson

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


class JsonPiece(bytes):
    """A mapping in JSON without its braces, in UTF-8."""

    __slots__ = ()


class XmlPiece(NamedTuple):
    """An element of XML without its name.

    Attributes
    ----------
    attributes : str
        With a space before each.
    inside : str
        Text and elements.
    """

    attributes: str
    inside: str


Piece: TypeAlias = JsonPiece | XmlPiece


class Form(Protocol):
    """How answers are written."""

    def write(self, description: Description) -> Piece:
        """A description as a piece."""

    def join(self, pieces: Iterable[Any]) -> Piece:
        """One piece of several that say different things."""


class Json:
    """Answers as JSON."""

    def write(self, description: Description) -> JsonPiece:
        """A description as a piece."""
        return JsonPiece(write_json(description)[1:-1])

    def join(self, pieces: Iterable[JsonPiece]) -> JsonPiece:
        """One piece of several that say different things."""
        return JsonPiece(b",".join(filter(None, pieces)))


class Xml:
    """Answers as XML."""

    def write(self, description: Description) -> XmlPiece:
        """A description as a piece, of an element whose single values are attributes."""
        return _piece("", description)

    def join(self, pieces: Iterable[XmlPiece]) -> XmlPiece:
        """One piece of several that say different things."""
        attributes, inside = zip(*pieces, strict=True)
        return XmlPiece("".join(attributes), "".join(inside))


JSON, XML = Json(), Xml()


def write_json(description: Description) -> bytes:
    """A description as JSON, in UTF-8, without what XML cannot hold."""
    try:
        # Five times as fast as Python's own.
        written = orjson.dumps(description)
    except TypeError:
        return _with_pieces(description)
    return _dumped(_possible(description)) if _perhaps_impossible(written) else written


def _with_pieces(description: Description) -> bytes:
    """The same of a description that has pieces in it, or what orjson does not know."""
    try:
        # Pieces were looked through when they were written, and are by far the most of a list.
        if _perhaps_impossible(orjson.dumps(description, default=_nothing)):
            description = _possible(description)
        return orjson.dumps(description, default=_fragment)
    except TypeError:
        # Half of a pair of surrogates, or a number beyond 64 bits.
        return _dumped(_possible(description))


def _nothing(value: Any) -> None:
    if value.__class__ is not JsonPiece:
        raise TypeError


def _fragment(value: Any) -> orjson.Fragment:
    if value.__class__ is not JsonPiece:
        raise TypeError
    return orjson.Fragment(b"{" + value + b"}")


def _perhaps_impossible(written: bytes) -> bool:
    # Looking for one byte takes hardly any time; for an expression it would take longer than to write.
    if b"\\" not in written and (b"\xef" not in written or b"\xef\xbf" not in written):
        return False
    return _PERHAPS_IMPOSSIBLE.search(written) is not None


def _dumped(answer: Description) -> bytes:
    written = json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_described)
    return written.encode()


def _described(value: Any) -> Any:
    if value.__class__ is not JsonPiece:
        raise TypeError(f"{type(value)} cannot be written as JSON")
    return json.loads(b"{" + value + b"}")


def _possible(value: Any) -> Any:
    if isinstance(value, str):
        return _IMPOSSIBLE.sub("", value)
    if isinstance(value, Mapping):
        return {name: _possible(inner) for name, inner in value.items()}
    return [_possible(inner) for inner in value] if isinstance(value, list | tuple) else value


def write_xml(name: str, description: Description) -> str:
    """A description as an element of XML."""
    parts: list[str] = []
    _write(parts, name, description)
    return "".join(parts)


def _write(parts: list[str], name: str, content: Any) -> None:
    """Write one element, or one for each of several."""
    kind = content.__class__
    if kind is dict:
        content, kind = _piece(name, content), XmlPiece
    if kind is XmlPiece:
        attributes, inside = content
        parts.append(f"<{name}{attributes}>{inside}</{name}>" if inside else f"<{name}{attributes}/>")
    elif kind is list or kind is tuple:
        for one in content:
            _write(parts, name, one)
    else:
        parts.append(f"<{name}>{_text(content)}</{name}>")


def _piece(name: str, content: Description) -> XmlPiece:
    # Half a thousand songs have fifteen thousand values: looking at a class is quicker than asking what it is.
    attributes: list[str] = []
    inside: list[str] = []
    text = ""
    for key, value in content.items():
        kind = value.__class__
        if kind is dict or kind is list or kind is tuple or kind is XmlPiece or name in _WITHOUT_ATTRIBUTES:
            _write(inside, key, value)
        elif key == "value" and name in _WITH_TEXT:
            text = _text(value)
        else:
            attributes.append(f' {key}="{value if kind is int else _text(value)}"')
    return XmlPiece("".join(attributes), text + "".join(inside))


def _text(value: Any) -> str:
    if value.__class__ is not str:
        return _TRUTHS[value] if isinstance(value, bool) else _text(str(value))
    return _SPECIAL.sub(_escaped, value) if _SPECIAL.search(value) else value


def _escaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0], "")
