"""Pictures that cost more than they show."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

_START_OF_SCAN, _END = b"\xff\xda", b"\xff\xd9"


def many_scans(scans: int, side: int = 1200) -> bytes:
    """A progressive JPEG whose last scan is there many times: each is some bytes, and work for the whole picture."""
    whole = BytesIO()
    Image.new("L", (side, side), 128).save(whole, "JPEG", progressive=True)
    jpeg = whole.getvalue()
    last = jpeg.rindex(_START_OF_SCAN)
    scan = jpeg[last : jpeg.rindex(_END)]
    return jpeg[:last] + scan * scans + _END
