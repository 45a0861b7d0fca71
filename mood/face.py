"""Finding faces with the cascades of boosted Haar features that come with OpenCV [1]_.

References
----------
.. [1] P. Viola, M. Jones, "Rapid object detection using a boosted cascade of simple features", CVPR 2001.
"""

import threading
from typing import NamedTuple

import cv2
import cv2.data
import numpy as np
from numpy.typing import NDArray

# Selfies are often cropped so tightly that a cascade, trained on faces with something around them, finds nothing.
_BORDER = 0.2
# Pixels, border included.
_SEARCH_SIDE = 400


class Box(NamedTuple):
    """A rectangle in a picture, pixels."""

    x: int
    y: int
    width: int
    height: int


class _Cascade(NamedTuple):
    """A cascade and what of its findings is believed.

    `smallest` is the side of a face in pixels of the searched picture, `least_weight` the last stage's confidence,
    `one_sided` that it knows one side of a face only.
    """

    file: str
    smallest: int
    least_weight: float
    one_sided: bool = False


# The first that finds anything is believed. The later ones find what the first overlook, and much that is no face,
# nearly all of it small: they look for faces that fill the picture, as those of tight selfies do.
_CHAIN = (
    _Cascade("haarcascade_frontalface_alt2.xml", 24, -np.inf),
    _Cascade("haarcascade_frontalface_alt.xml", 24, -np.inf),
    _Cascade("haarcascade_frontalface_default.xml", 100, 3.0),
    _Cascade("haarcascade_profileface.xml", 100, 0.0, one_sided=True),
)
# A classifier keeps what it is looking at: two threads cannot share one.
_of_thread = threading.local()


def find_faces(grey: NDArray[np.uint8]) -> list[Box]:
    """The faces of a picture, largest first.

    Parameters
    ----------
    grey : uint8, shape (h, w)
        Upright.

    Returns
    -------
    list of Box
        Squares in the picture's pixels; those of faces that are cut off reach over its edge.
    """
    border = round(_BORDER * max(grey.shape))
    searched = cv2.copyMakeBorder(grey, border, border, border, border, cv2.BORDER_REPLICATE)
    shrunk = min(1.0, _SEARCH_SIDE / max(searched.shape))
    if shrunk < 1:
        searched = cv2.resize(searched, None, fx=shrunk, fy=shrunk, interpolation=cv2.INTER_AREA)
    equalized = cv2.equalizeHist(searched).astype(np.uint8)
    for cascade in _CHAIN:
        found = _detect(cascade, equalized)
        if cascade.one_sided:
            width = equalized.shape[1]
            mirrored = _detect(cascade, np.ascontiguousarray(equalized[:, ::-1]))
            found = _distinct(found + [(width - x - side, y, side) for x, y, side in mirrored])
        if found:
            boxes = [
                Box(round(x / shrunk) - border, round(y / shrunk) - border, round(side / shrunk), round(side / shrunk))
                for x, y, side in found
            ]
            return sorted(boxes, key=lambda box: (-box.width, box.x, box.y))
    return []


def _detect(cascade: _Cascade, searched: NDArray[np.uint8]) -> list[tuple[int, int, int]]:
    """Left, top and side of what one cascade takes for faces and is sure enough of."""
    classifiers: dict[str, cv2.CascadeClassifier] = _of_thread.__dict__
    if cascade.file not in classifiers:
        classifiers[cascade.file] = cv2.CascadeClassifier(cv2.data.haarcascades + cascade.file)
    boxes, _, weights = classifiers[cascade.file].detectMultiScale3(
        searched, scaleFactor=1.1, minNeighbors=3, minSize=(cascade.smallest,) * 2, outputRejectLevels=True
    )
    return [
        (int(x), int(y), int(side))
        for (x, y, side, _), weight in zip(boxes, np.ravel(weights), strict=True)
        if weight >= cascade.least_weight
    ]


def _distinct(found: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Without those whose middle lies in a larger one: a face in half profile is found from both sides."""
    kept: list[tuple[int, int, int]] = []
    for x, y, side in sorted(found, key=lambda square: -square[2]):
        middle_x, middle_y = x + side / 2, y + side / 2
        if not any(0 < middle_x - left < size and 0 < middle_y - top < size for left, top, size in kept):
            kept.append((x, y, side))
    return kept
