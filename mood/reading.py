"""From a photograph to the emotions of the faces in it."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mood.emotions import EMOTIONS
from mood.face import Box, find_faces
from mood.network import FACE_SIZE, TrainedNetwork, emotion_probabilities, load_network
from mood.picture import Picture, read_picture

WEIGHTS = Path(__file__).parent / "weights" / "expression.safetensors"

# A cascade's box is 0.94 times as wide as a picture of FER-2013 in the median, and has the same middle.
_CROP_PER_BOX = 1.06


@dataclass(frozen=True)
class Face:
    """A face in a photograph.

    Attributes
    ----------
    box : Box
        In the upright photograph's own pixels, within it.
    emotions : dict of str to float
        The probability of each emotion; they sum to 1.
    """

    box: Box
    emotions: dict[str, float]


@dataclass(frozen=True)
class Reading:
    """What is read in a photograph.

    Attributes
    ----------
    faces : list of Face
        Largest first; empty where none is found.
    width, height : int
        Of the upright photograph, in its own pixels.
    """

    faces: list[Face]
    width: int
    height: int


@cache
def shipped_network() -> TrainedNetwork:
    """The network whose weights come with DCMRS, read once."""
    return load_network(WEIGHTS)


def read_photograph(photograph: bytes) -> Reading:
    """The faces of a photograph and their emotions.

    Raises
    ------
    PictureRefused
        If the photograph cannot be read (`mood.picture.read_picture`).
    """
    picture = read_picture(photograph)
    boxes = find_faces(picture.grey)
    if not boxes:
        return Reading([], picture.width, picture.height)
    crops = np.stack([_crop(picture.grey, box) for box in boxes])
    probabilities = emotion_probabilities(shipped_network(), crops, spread=0.0)
    faces = [
        Face(_in_whole_picture(box, picture), dict(zip(EMOTIONS, map(float, row), strict=True)))
        for box, row in zip(boxes, probabilities, strict=True)
    ]
    return Reading(faces, picture.width, picture.height)


def _crop(grey: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """A found face as FER-2013 shows faces: 48 pixels a side, the picture's edge continued where it ends."""
    side = round(_CROP_PER_BOX * box.width)
    left, top = box.x - (side - box.width) // 2, box.y - (side - box.height) // 2
    rows = np.clip(np.arange(top, top + side), 0, grey.shape[0] - 1)
    columns = np.clip(np.arange(left, left + side), 0, grey.shape[1] - 1)
    face = Image.fromarray(grey[np.ix_(rows, columns)])
    return np.asarray(face.resize((FACE_SIZE, FACE_SIZE), Image.Resampling.BICUBIC))


def _in_whole_picture(box: Box, picture: Picture) -> Box:
    """A box of the shrunken picture in the whole one's pixels, without what reaches over the edge."""
    scale_x, scale_y = picture.width / picture.grey.shape[1], picture.height / picture.grey.shape[0]
    left, top = max(0, round(box.x * scale_x)), max(0, round(box.y * scale_y))
    right = min(picture.width, round((box.x + box.width) * scale_x))
    bottom = min(picture.height, round((box.y + box.height) * scale_y))
    return Box(left, top, right - left, bottom - top)
