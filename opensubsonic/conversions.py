"""Songs while they are converted for players: few at a time, and for as long as a client listens. No Django."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from catalog.audio_frames import UnreadableAudio

WAITED_FOR_S = 5.0
"""How long a song waits for its turn."""

LEFT_ALONE_S = 300.0
"""A player that has taken nothing for so long gives its turn to another that waits."""


class Conversion:
    """A song while it is converted; its turn is over when it is read to its end, or nobody listens any more."""

    def __init__(self, pieces: Iterator[bytes], turns: Conversions) -> None:
        self._pieces, self._turns = pieces, turns
        self._lock = threading.Lock()
        self.read_at = time.monotonic()
        self.taken_away = False

    def __iter__(self) -> Iterator[bytes]:
        """The pieces that are left."""
        return self

    def __next__(self) -> bytes:
        """The next piece, made now.

        Raises
        ------
        StopIteration
            If there is none.
        UnreadableAudio
            If the file is damaged there.
        """
        with self._lock:
            try:
                piece = next(self._pieces)
            except BaseException:
                self._turns.end(self)
                raise
            self.read_at = time.monotonic()
            return piece

    def close(self) -> None:
        """Stop converting, and let another song have the turn."""
        with self._lock:
            close = getattr(self._pieces, "close", None)
            if close is not None:
                close()
        self._turns.end(self)


class Conversions:
    """The songs that are converted at the moment.

    Parameters
    ----------
    most : int
        How many may be at once.
    """

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._open: list[Conversion] = []
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, pieces: Iterator[bytes], waited_for_s: float = WAITED_FOR_S) -> Conversion | None:
        """Have a song's turn begin; None if there is none to be had for so long."""
        until = time.monotonic() + waited_for_s
        while True:
            with self._changed:
                if len(self._open) < self._most:
                    conversion = Conversion(pieces, self)
                    self._open.append(conversion)
                    return conversion
                idlest = min(self._open, key=lambda one: one.read_at)
                idle = time.monotonic() - idlest.read_at > LEFT_ALONE_S
                if not idle and not self._changed.wait(until - time.monotonic()):
                    return None
            if idle:
                # Paused for the night, or gone without a word: it keeps nobody from listening.
                idlest.taken_away = True
                idlest.close()

    def end(self, conversion: Conversion) -> None:
        """Let another song have the turn; once is enough."""
        with self._changed:
            if conversion in self._open:
                self._open.remove(conversion)
                self._changed.notify()


class Sent:
    """What is sent of a conversion: its first piece and the rest, brought to a number of bytes if that was promised.

    Parameters
    ----------
    first : bytes
    conversion : Conversion
    length : int or None
        Bytes that were promised.
    """

    def __init__(self, first: bytes, conversion: Conversion, length: int | None) -> None:
        self._first, self._conversion, self._length = first, conversion, length

    def __iter__(self) -> Iterator[bytes]:
        """Yield the pieces.

        Raises
        ------
        ConnectionAbortedError
            If the turn was taken away: a player must not take that for the end of the song.
        """
        left = self._length
        for piece in self._pieces():
            if left is None:
                yield piece
            elif left > 0:
                yield piece[:left]
                left -= len(piece[:left])
            else:
                break
        if self._conversion.taken_away:
            raise ConnectionAbortedError("nobody listened, and others waited")
        while left:
            filler = bytes(min(left, 1 << 14))
            yield filler
            left -= len(filler)

    def _pieces(self) -> Iterator[bytes]:
        yield self._first
        try:
            yield from self._conversion
        except UnreadableAudio:
            # What could be read is sent; a player takes the end for the song's.
            return

    def close(self) -> None:
        """Stop converting."""
        self._conversion.close()
