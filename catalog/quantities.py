"""Sizes, durations and counts as text."""

from __future__ import annotations

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def size(n_bytes: float) -> str:
    """Bytes in the unit that suits them, thousands being 1000: `950 bytes`, `4.2 MB`, `12 GB`."""
    amount, unit = float(n_bytes), 0
    # What would be rounded to a thousand of a unit is one of the next.
    while abs(amount) >= (1000 if unit == 0 else 999.5) and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    if unit and abs(amount) < 9.95:
        return f"{amount:.1f} {_UNITS[unit]}"
    return f"{amount:.0f} {_UNITS[unit] if unit or amount != 1 else 'byte'}"


def duration(seconds: float) -> str:
    """Seconds in two units at most: `0.4 s`, `41 s`, `5 min 12 s`, `2 h 5 min`, `3 days 4 h`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    days, rest = divmod(round(seconds), 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [(days, "day" if days == 1 else "days"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next(place for place, (number, _) in enumerate(parts) if number)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number)


def count(number: int, noun: str, plural: str = "") -> str:
    """How many there are of something, with a mark at every thousand: `1 song`, `1,204 songs`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
