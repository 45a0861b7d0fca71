"""What is lacking when something cannot be done: room, rights, memory, the database. In words, with a status."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass

from catalog.home import home


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that the machine lacks.

    Attributes
    ----------
    status : int
        Of an answer: 507 without room, 503 for what may pass by itself or by the owner's hand.
    sentence : str
        For the user.
    advice : str
        For the server's admins.
    """

    status: int
    sentence: str
    advice: str


FULL = Trouble(
    507,
    "The server's disk is full: nothing can be saved until there is room again. Listening and looking around go on.",
    "make room on the disk that DCMRS_HOME lies on, which the dashboard shows, or the database's; all goes on then",
)
READ_ONLY = Trouble(
    503,
    "The server cannot save anything: its disk is read-only just now. Listening and looking around go on.",
    "see why the disk was mounted read-only (dmesg says so after an error), and mount it for writing again",
)
NOT_PERMITTED = Trouble(
    503,
    "The server cannot save anything: it lacks the permission to write to its own files.",
    "DCMRS_HOME and everything in it has to belong to the user that the server runs as",
)
NO_MEMORY = Trouble(
    503,
    "The server is short of memory just now: try again in a moment.",
    "give the machine more memory, or end something else that runs on it",
)
AWAY = Trouble(
    503,
    "The server's database does not answer just now: try again in a moment.",
    "see that the database runs, and that this machine reaches it; all goes on by itself then",
)
BUSY = Trouble(
    503,
    "The server is busy saving something large: try again in a moment.",
    "if this lasts, see what writes to the database: an import, or a backup of another program",
)

_BY_ERRNO = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EROFS: READ_ONLY,
    errno.EACCES: NOT_PERMITTED,
    errno.EPERM: NOT_PERMITTED,
    errno.ENOMEM: NO_MEMORY,
}
# What SQLite says: a disk without room also makes it fail at files of its own.
_BY_WORDS = {
    "database or disk is full": FULL,
    "attempt to write a readonly database": READ_ONLY,
    "out of memory": NO_MEMORY,
    "database is locked": BUSY,
}
# SQLSTATE of PostgreSQL.
_BY_SQLSTATE = {"53100": FULL, "25006": READ_ONLY, "42501": NOT_PERMITTED, "53200": NO_MEMORY, "53300": AWAY}
# Connections that cannot be had or have ended, and a server that ends or begins.
_AWAY_CLASSES = ("08", "57P")


def trouble_of(error: BaseException | None) -> Trouble | None:
    """What the machine lacks, if that is why something failed; its causes are looked at too."""
    for cause in _causes(error):
        if isinstance(cause, MemoryError):
            return NO_MEMORY
        if isinstance(cause, OSError) and (trouble := _BY_ERRNO.get(cause.errno or 0)) is not None:
            # Music that may not be read is no trouble of the server's own files.
            if trouble is NOT_PERMITTED and not str(cause.filename or "").startswith(str(home())):
                continue
            return trouble
        if (state := getattr(cause, "sqlstate", None)) in _BY_SQLSTATE:
            return _BY_SQLSTATE[state]
        if str(state or "").startswith(_AWAY_CLASSES) or _is_lost_connection(cause):
            return AWAY
        words = str(cause)
        for said, trouble in _BY_WORDS.items():
            if said in words and type(cause).__name__ in ("OperationalError", "DatabaseError"):
                return trouble
    return None


def _is_lost_connection(error: BaseException) -> bool:
    """Whether the client of PostgreSQL says that there is no connection: the server itself then says nothing."""
    return (
        type(error).__module__.startswith("psycopg")
        and type(error).__name__ in ("OperationalError", "InterfaceError", "ConnectionTimeout")
        and getattr(error, "sqlstate", None) is None
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
