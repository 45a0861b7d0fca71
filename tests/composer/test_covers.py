"""Covers that are drawn for composed music."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from composer import covers

pytestmark = pytest.mark.long


def test_covers_are_square_pictures_that_differ(tmp_path: Path) -> None:
    drawn = {motif: covers.draw(motif, "#101820 #7bd389 #f2e94e #38a3a5", 1) for motif in covers.MOTIFS}
    assert len(set(drawn.values())) == len(drawn)
    for motif, jpeg in drawn.items():
        (tmp_path / motif).write_bytes(jpeg)
        with Image.open(tmp_path / motif) as picture:
            assert (picture.format, picture.size) == ("JPEG", (600, 600))
        assert jpeg == covers.draw(motif, "#101820 #7bd389 #f2e94e #38a3a5", 1)
