"""What was described lately, of everything that is the same for all users; in one form."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .written import Piece

_KEPT_S = 60.0
# A song takes four hundred bytes: what all those of an album say is held once.
_MOST = {"songs": 50_000, "shared": 25_000, "albums": 25_000, "artists": 25_000, "plays": 100}


@dataclass(slots=True)
class Descriptions:
    """What was described lately.

    Attributes
    ----------
    songs : dict of primary key to pieces
    shared : dict of what they are made of to piece
        What several songs say alike.
    albums : dict of (a kind of description, hash of the album's key) to piece
    artists : dict of (a kind of description, hash of the artist's key) to piece
    plays : dict of a listener's primary key to (how the plays looked, plays and the last one by hash of an album's key)
    genres : list of description, or None
        All of them, once they were asked for.
    """

    songs: dict[int, tuple[Piece, ...]] = field(default_factory=dict)
    shared: dict[Hashable, Piece] = field(default_factory=dict)
    albums: dict[tuple[str, str], Piece] = field(default_factory=dict)
    artists: dict[tuple[str, str], Piece] = field(default_factory=dict)
    plays: dict[int, tuple[Any, dict[str, tuple[int, datetime | None]]]] = field(default_factory=dict)
    genres: list[dict[str, Any]] | None = None
    made_at: float = field(default_factory=time.monotonic)

    @property
    def old(self) -> bool:
        """Whether it is time for new ones: they may not know that a label has another name."""
        return time.monotonic() - self.made_at > _KEPT_S

    def make_room(self) -> None:
        """Forget those of a kind of which there are too many; readers of this moment keep them."""
        for kind, most in _MOST.items():
            if len(getattr(self, kind)) > most:
                setattr(self, kind, {})
