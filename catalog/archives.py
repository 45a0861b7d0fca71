"""What a zip may hold: a file of some megabytes that unpacks to terabytes is refused before anything of it is read.

`zipfile` never gives more bytes of an entry than the archive's own table says, so it is enough to look at the table.
"""

from __future__ import annotations

import struct
import zipfile
from typing import IO

MOST_ENTRIES = 20_000
"""Of one archive: an export of decades has some hundreds."""

LARGEST_TABLE_BYTES = 8_000_000
"""Of an archive's table of contents, which is read as a whole."""

MOST_UNPACKED_BYTES = 20_000_000_000
"""Of all entries together."""

HIGHEST_RATIO = 200.0
"""How many bytes may come out of one: JSON and text give 5 to 40."""

# What zipfile says of a table of contents that is damaged on purpose, besides its own error.
_DAMAGED = (ArithmeticError, EOFError, LookupError, NotImplementedError, ValueError, struct.error)
_SMALL_BYTES = 10_000_000
_END = b"PK\x05\x06"
_END_BYTES = 22
_LONGEST_COMMENT = 0xFFFF


class UnreasonableArchive(ValueError):
    """An archive asks for more than any honest one; the message says what, for people."""


def open_archive(file: IO[bytes]) -> zipfile.ZipFile:
    """Open a zip, once it is known to be one that can be read.

    Parameters
    ----------
    file : binary file
        That can be sought in.

    Raises
    ------
    UnreasonableArchive
        If it has more entries, or unpacks to more, than any honest one.
    zipfile.BadZipFile
        If it is none, or damaged.
    """
    _look_at_end(file)
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGED as error:
        raise zipfile.BadZipFile(str(error)) from error
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise UnreasonableArchive(f"it has {len(entries):,} entries; {MOST_ENTRIES:,} are read at most")
    for entry in entries:
        if entry.file_size > _SMALL_BYTES and entry.file_size > HIGHEST_RATIO * max(entry.compress_size, 1):
            raise UnreasonableArchive(
                f"{entry.filename[:100]!r} would unpack to {entry.file_size / 1e6:,.0f} MB, "
                f"more than {HIGHEST_RATIO:.0f} times what it has: it was made to fill the disk"
            )
    if (size := sum(entry.file_size for entry in entries)) > MOST_UNPACKED_BYTES:
        raise UnreasonableArchive(f"it would unpack to {size / 1e9:,.0f} GB; {MOST_UNPACKED_BYTES / 1e9:.0f} are read")
    return archive


def _look_at_end(file: IO[bytes]) -> None:
    """Refuse a table of contents that would fill the memory before its entries can be counted."""
    size = file.seek(0, 2)
    file.seek(max(size - _END_BYTES - _LONGEST_COMMENT, 0))
    tail = file.read()
    at = tail.rfind(_END)
    table_bytes = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    # The largest number says that the true one stands elsewhere, as in archives of more than 4 GB; these have few
    # entries too, and what lies before their end is at least as long as the table.
    if LARGEST_TABLE_BYTES < table_bytes < 0xFFFFFFFF:
        raise UnreasonableArchive("its table of contents is larger than that of any export")
    file.seek(0)
