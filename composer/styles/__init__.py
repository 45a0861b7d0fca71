"""Styles: each writes any number of different pieces of one kind, from a seed."""

import zlib
from collections.abc import Callable, Mapping

import numpy as np

from ..phrasing.chances import Rng
from ..score import Score
from . import acoustic, band, classical, electronic, urban

Style = Callable[[Rng], Score]

STYLES: Mapping[str, Style] = {
    style.__name__.replace("_", " "): style
    for style in (
        classical.piano_ballad,
        classical.nocturne,
        classical.baroque,
        classical.waltz,
        classical.choral,
        classical.film,
        classical.minimal,
        classical.lullaby,
        electronic.ambient,
        electronic.drone,
        electronic.house,
        electronic.techno,
        electronic.trance,
        electronic.drum_and_bass,
        electronic.chiptune,
        electronic.synthwave,
        band.rock,
        band.punk,
        band.metal,
        band.blues,
        band.funk,
        band.reggae,
        acoustic.jazz,
        acoustic.bossa,
        acoustic.folk,
        acoustic.bluegrass,
        acoustic.jig,
        acoustic.desert,
        acoustic.island,
        urban.hip_hop,
        urban.lo_fi,
        urban.trap,
    )
}
"""Every style by name."""


def compose(style: str, seed: int) -> Score:
    """Write a piece.

    Parameters
    ----------
    style : str
        A name in `STYLES`.
    seed : int
        The same style and seed is the same piece.

    Raises
    ------
    KeyError
        If there is no such style.
    """
    return STYLES[style](np.random.default_rng([zlib.crc32(style.encode()), seed]))
