"""What glibc's allocator keeps of memory that was freed; elsewhere nothing is done."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

_M_ARENA_MAX = -8


def share_arena() -> None:
    """Have threads that begin from now on allocate from one arena: each of their own keeps what only it can use."""
    if (mallopt := _glibc("mallopt")) is not None:
        mallopt(_M_ARENA_MAX, 1)


def trim() -> None:
    """Give freed memory back to the system, as after weights were read and prepared."""
    if (malloc_trim := _glibc("malloc_trim")) is not None:
        malloc_trim(0)


@cache
def _glibc(name: str) -> Callable[..., Any] | None:
    # None where another C library is in use.
    return getattr(ctypes.CDLL(None), name, None)
