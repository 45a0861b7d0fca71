"""Finding faces with the cascades of boosted Haar features that come with OpenCV [1]_.

References
----------
.. [1] P. Viola, M. Jones, "Rapid object detection using a boosted cascade of simple features", CVPR 2001.
"""

import math
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
_EYES = "haarcascade_eye_tree_eyeglasses.xml"
# Pixels that a face is brought to before its eyes are looked for, and, in sides of the face's box: down to where eyes
# are, and how far two eyes are apart at least (in FER-2013's pictures 0.40 in the median).
_EYE_SEARCH_SIDE = 192
_EYES_ABOVE = 0.65
_EYES_APART = 0.25
# Degrees.
_STEEPEST = 30.0
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


def eye_tilt(grey: NDArray[np.uint8], box: Box) -> float:
    """How far the line through a face's eyes is turned from level.

    Parameters
    ----------
    grey : uint8, shape (h, w)
        The picture in which `find_faces` found the face.
    box : Box

    Returns
    -------
    float
        Degrees, positive where the eye on the right is the lower one; 0 where the cascade sees no pair of eyes in the
        upper part of the box, or only one so oblique that it is hardly one.
    """
    upper = cut(grey, box.x, box.y, box.width, round(_EYES_ABOVE * box.width))
    side = _EYE_SEARCH_SIDE
    searched = cv2.resize(upper, (side, round(_EYES_ABOVE * side)), interpolation=cv2.INTER_AREA)
    found, _, weights = _classifier(_EYES).detectMultiScale3(
        searched,
        scaleFactor=1.05,
        minNeighbors=2,
        minSize=(side // 8,) * 2,
        maxSize=(side // 2,) * 2,
        outputRejectLevels=True,
    )
    eyes = [
        (x + w / 2, y + h / 2, float(weight)) for (x, y, w, h), weight in zip(found, np.ravel(weights), strict=True)
    ]
    pairs = [
        (left[2] + right[2], math.degrees(math.atan2(right[1] - left[1], right[0] - left[0])))
        for left in eyes
        for right in eyes
        if left[0] < side / 2 < right[0] and right[0] - left[0] > _EYES_APART * side
    ]
    tilt = max(pairs)[1] if pairs else 0.0
    return tilt if abs(tilt) <= _STEEPEST else 0.0


def cut(grey: NDArray[np.uint8], left: int, top: int, width: int, height: int) -> NDArray[np.uint8]:
    """A rectangle of a picture, the picture's edge continued where it reaches over it: uint8, shape (height, width)."""
    rows = np.clip(np.arange(top, top + height), 0, grey.shape[0] - 1)
    columns = np.clip(np.arange(left, left + width), 0, grey.shape[1] - 1)
    return grey[np.ix_(rows, columns)]


def _detect(cascade: _Cascade, searched: NDArray[np.uint8]) -> list[tuple[int, int, int]]:
    """Left, top and side of what one cascade takes for faces and is sure enough of."""
    boxes, _, weights = _classifier(cascade.file).detectMultiScale3(
        searched, scaleFactor=1.1, minNeighbors=3, minSize=(cascade.smallest,) * 2, outputRejectLevels=True
    )
    return [
        (int(x), int(y), int(side))
        for (x, y, side, _), weight in zip(boxes, np.ravel(weights), strict=True)
        if weight >= cascade.least_weight
    ]


def _classifier(file: str) -> cv2.CascadeClassifier:
    """The copy of one of OpenCV's cascades that belongs to this thread."""
    classifiers: dict[str, cv2.CascadeClassifier] = _of_thread.__dict__
    if file not in classifiers:
        classifiers[file] = cv2.CascadeClassifier(cv2.data.haarcascades + file)
    return classifiers[file]


def _distinct(found: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Without those whose middle lies in a larger one: a face in half profile is found from both sides."""
    kept: list[tuple[int, int, int]] = []
    for x, y, side in sorted(found, key=lambda square: -square[2]):
        middle_x, middle_y = x + side / 2, y + side / 2
        if not any(0 < middle_x - left < size and 0 < middle_y - top < size for left, top, size in kept):
            kept.append((x, y, side))
    return kept
