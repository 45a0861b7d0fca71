"""Lyrics: from the tags of every family, and from `.lrc` files beside songs; with times where they have some."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mutagen
from mutagen.id3 import ID3

from .tag_fields import DAMAGED

LONGEST_LYRICS = 200_000
"""Characters of one text; what comes after is left out."""

_LARGEST_FILE_BYTES = 2_000_000
_MOST_LINES = 5000
_UNKNOWN_LANGUAGE = "xxx"

_TAGS = ("lyrics", "syncedlyrics", "unsyncedlyrics", "unsynced lyrics", "lyric", "\xa9lyr", "wm/lyrics")
_SYNCED_TAGS = ("wm/lyrics_synchronised",)
_LRC_TIME = re.compile(r"\[(\d{1,3}):(\d{1,2})(?:[.:](\d{1,3}))?\]")
_LRC_WORD = re.compile(r"<(\d{1,3}):(\d{1,2})(?:[.:](\d{1,3}))?>")
_LRC_HEADER = re.compile(r"\[([a-zA-Z#]{1,10}):([^\]]*)\]\s*$")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_MILLISECONDS = 2
"""SYLT's code for times in milliseconds."""
_WORDS = {1: "lyrics", 2: "text transcription"}
"""SYLT's codes for texts that are sung."""


@dataclass(frozen=True, slots=True)
class Word:
    """A part of a line with the moment when it begins, and when it ends if that is known."""

    start_ms: int
    text: str
    end_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line, with the moment when it begins where the lyrics have times; `words` where these have some too."""

    text: str
    start_ms: int | None = None
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Lyrics:
    """The words of a song in one language.

    Attributes
    ----------
    lines : tuple of Line
        By time where they have some.
    language : str
        As the file says, `xxx` where it does not.
    """

    lines: tuple[Line, ...]
    language: str = _UNKNOWN_LANGUAGE

    @property
    def synced(self) -> bool:
        """Whether every line says when it begins."""
        return bool(self.lines) and all(line.start_ms is not None for line in self.lines)

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(line.text for line in self.lines)


@dataclass(slots=True)
class _Found:
    """Lyrics as they are found, each text once."""

    lyrics: list[Lyrics] = field(default_factory=list)

    def add(self, lyrics: Lyrics | None) -> None:
        if lyrics is None or not any(line.text for line in lyrics.lines):
            return
        for place, other in enumerate(self.lyrics):
            if _plain(other) == _plain(lyrics):
                # The same words: those with times say more.
                if lyrics.synced and not other.synced:
                    self.lyrics[place] = lyrics
                return
        self.lyrics.append(lyrics)


def read_lyrics(path: Path) -> list[Lyrics]:
    """All lyrics of an audio file: of its tags, and of an `.lrc` file beside it; those with times first."""
    found = _Found()
    for beside in (path.with_suffix(".lrc"), path.with_suffix(".LRC")):
        if (text := _text_of(beside)) is not None:
            found.add(parse_lyrics(text))
    for lyrics in _tagged(path):
        found.add(lyrics)
    return sorted(found.lyrics, key=lambda lyrics: not lyrics.synced)


def parse_lyrics(text: str, language: str = "") -> Lyrics | None:
    r"""Lyrics from a text: with times in brackets as `.lrc` files have them, or plain; None for nothing.

    Examples
    --------
    >>> lyrics = parse_lyrics("[00:12.00]Line one\n[00:17.20]Line two")
    >>> [(line.start_ms, line.text) for line in lyrics.lines]
    [(12000, 'Line one'), (17200, 'Line two')]
    """
    lines, offset_ms, said = [], 0, language
    for raw in text[:LONGEST_LYRICS].splitlines()[:_MOST_LINES]:
        written = raw.strip().lstrip("\ufeff")
        if header := _LRC_HEADER.fullmatch(written):
            name, value = header[1].lower(), header[2].strip()
            if name == "offset" and re.fullmatch(r"[-+]?\d{1,7}", value):
                offset_ms = int(value)
            elif name in ("la", "lang", "language"):
                said = value
            continue
        lines.append(written)
    timed = [line for written in lines for line in _timed(written, offset_ms)]
    if timed:
        return Lyrics(tuple(sorted(timed, key=lambda line: line.start_ms or 0)), _language(said))
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return Lyrics(tuple(Line(line) for line in lines), _language(said)) if lines else None


def _timed(written: str, offset_ms: int) -> Iterator[Line]:
    """A line of an `.lrc` file, once for each time before it; none where it has no time."""
    moments = []
    while match := _LRC_TIME.match(written):
        moments.append(max(_ms(match) - offset_ms, 0))
        written = written[match.end() :].lstrip()
    words = tuple(_words(written, offset_ms))
    text = _LRC_WORD.sub("", written).strip()
    text = "".join(word.text for word in words).strip() if words else " ".join(text.split())
    for place, moment in enumerate(moments):
        # Times of words are those of the first time the line is sung.
        yield Line(text, moment, _stripped(words) if place == 0 else ())


def _words(written: str, offset_ms: int) -> Iterator[Word]:
    """The words with their own times, as `<00:12.34>word` has them."""
    marks = list(_LRC_WORD.finditer(written))
    ends: list[re.Match[str] | None] = [*marks[1:], None] if marks else []
    for mark, after in zip(marks, ends, strict=True):
        text = written[mark.end() : after.start() if after else len(written)]
        end_ms = max(_ms(after) - offset_ms, 0) if after else None
        if text:
            yield Word(max(_ms(mark) - offset_ms, 0), text, end_ms)


def _stripped(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The words, without the space around the whole line, and none before the one before it."""
    kept: list[Word] = []
    for word in words:
        start = max(word.start_ms, kept[-1].start_ms) if kept else word.start_ms
        end = None if word.end_ms is None else max(word.end_ms, start)
        text = word.text if kept else word.text.lstrip()
        if text:
            kept.append(Word(start, text, end))
    if kept:
        last = kept.pop()
        if text := last.text.rstrip():
            kept.append(Word(last.start_ms, text, last.end_ms))
    return tuple(kept)


def _ms(match: re.Match[str]) -> int:
    part = (match[3] or "").ljust(3, "0")[:3]
    return (60 * int(match[1]) + int(match[2])) * 1000 + int(part)


def _language(said: str) -> str:
    text = said.strip()
    return text.lower() if _LANGUAGE.fullmatch(text) and text.casefold() != "und" else _UNKNOWN_LANGUAGE


def _plain(lyrics: Lyrics) -> str:
    return " ".join(lyrics.text.casefold().split())


def _text_of(path: Path) -> str | None:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_FILE_BYTES:
            return None
        raw = path.read_bytes()
    except OSError:
        return None
    for encoding in ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _tagged(path: Path) -> Iterator[Lyrics]:
    try:
        file = mutagen.File(path)
        tags: Any = file.tags if file is not None else None
        found = list(_id3_lyrics(tags) if isinstance(tags, ID3) else _named_lyrics(tags) if tags is not None else ())
    except DAMAGED:
        return
    yield from (lyrics for lyrics in found if lyrics is not None)


def _id3_lyrics(tags: ID3) -> Iterator[Lyrics | None]:
    for frame in tags.getall("SYLT"):
        if frame.format == _MILLISECONDS and frame.type in _WORDS:
            yield _synced(frame.text, _language(frame.lang))
    for frame in tags.getall("USLT"):
        yield parse_lyrics(frame.text, frame.lang)
    for frame in tags.getall("TXXX"):
        if frame.desc.casefold() in _TAGS:
            yield parse_lyrics("\n".join(map(str, frame.text)))


def _synced(pairs: Iterable[tuple[str, int]], language: str) -> Lyrics | None:
    """The lines of SYLT: of its parts, each with its time, a new line begins where a line's end is written."""
    parts = [(str(text), int(ms)) for text, ms in list(pairs)[: 10 * _MOST_LINES]]
    if not any("\n" in text for text, _ in parts):
        lines = [Line(text.strip(), ms) for text, ms in parts]
        return Lyrics(tuple(lines), language) if lines else None
    by_line: defaultdict[int, list[Word]] = defaultdict(list)
    line = 0
    for text, ms in parts:
        for place, piece in enumerate(text.replace("\r", "").split("\n")):
            line += place > 0
            if piece:
                by_line[line].append(Word(ms, piece))
    made = []
    for words in by_line.values():
        kept = _stripped(tuple(words))
        if kept:
            made.append(Line("".join(w.text for w in kept), kept[0].start_ms, kept if len(kept) > 1 else ()))
    return Lyrics(tuple(sorted(made, key=lambda one: one.start_ms or 0)), language) if made else None


def _named_lyrics(tags: Any) -> Iterator[Lyrics | None]:
    for key in list(tags.keys()):
        name = str(key).casefold().removeprefix("----:com.apple.itunes:")
        if name in _TAGS or name in _SYNCED_TAGS:
            for text in _texts(tags[key]):
                yield parse_lyrics(text)


def _texts(values: object) -> Iterator[str]:
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        values = [values]
    for value in values:
        yield bytes(value).decode(errors="replace") if isinstance(value, bytes) else str(value)
