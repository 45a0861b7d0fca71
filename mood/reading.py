"""From a photograph to the emotions of the faces in it."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalog import limited
from mood.emotions import EMOTIONS
from mood.face import Box, cut, eye_tilt, find_faces
from mood.network import FACE_SIZE, TrainedNetwork, emotion_probabilities, load_network
from mood.picture import Picture, PictureTooLarge, read_picture

WEIGHTS = Path(__file__).parent / "weights" / "expression.safetensors"


@dataclass(frozen=True)
class Cropping:
    """How a found face is cut out, so that it looks as the faces that the network was trained on.

    Attributes
    ----------
    per_box : float
        Side of what is cut out, in sides of the cascade's box. Such a box is 0.94 times as wide as a picture of
        FER-2013 in the median, and has the same middle.
    resampling : PIL.Image.Resampling
        Lanczos leaves nearly as much fine detail as FER-2013's pictures have; the other filters blur.
    """

    per_box: float = 1.06
    resampling: Image.Resampling = Image.Resampling.LANCZOS


AS_FER_2013 = Cropping()

# FER-2013's pictures were found by searching for emotions, and one in seven shows fear (4,097 of 28,709); of people's
# photographs it is one in a hundred (8 of the 844 of muxspace/facial_expressions).
_FEAR_IN_PHOTOGRAPHS = (8 / 844) / (4097 / 28709)


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
    picture = _read_under_limits(photograph)
    boxes = find_faces(picture.grey)
    if not boxes:
        return Reading([], picture.width, picture.height)
    crops = np.stack([crop_face(picture.grey, box, eye_tilt(picture.grey, box)) for box in boxes])
    probabilities = as_in_photographs(emotion_probabilities(shipped_network(), crops))
    faces = [
        Face(_in_whole_picture(box, picture), dict(zip(EMOTIONS, map(float, row), strict=True)))
        for box, row in zip(boxes, probabilities, strict=True)
    ]
    return Reading(faces, picture.width, picture.height)


def _read_under_limits(photograph: bytes) -> Picture:
    """What `read_picture` reads, in a process that ends at its limits of time and memory.

    Raises
    ------
    PictureRefused
        As `read_picture`, and where reading it takes more than `catalog.limited.PICTURE`.
    """
    try:
        return limited.call(limited.PICTURE, read_picture, photograph)
    except limited.LimitExceededError as error:
        raise PictureTooLarge(f"The picture {error}: save it anew, smaller.") from error


def crop_face(grey: NDArray[np.uint8], box: Box, tilt: float, cropping: Cropping = AS_FER_2013) -> NDArray[np.uint8]:
    """A found face as the network wants it, the picture's edge continued where the face reaches over it.

    Parameters
    ----------
    grey : uint8, shape (h, w)
    box : Box
        From `find_faces` in that picture.
    tilt : float
        Degrees, from `eye_tilt`: the face is turned back by so much. 0 leaves it as it is.
    cropping : Cropping

    Returns
    -------
    uint8, shape (48, 48)
    """
    side = round(cropping.per_box * box.width)
    # Turning needs what lies beside the square too, as its corners move.
    margin = side // 4 if tilt else 0
    left, top = box.x - (side - box.width) // 2 - margin, box.y - (side - box.height) // 2 - margin
    face = Image.fromarray(cut(grey, left, top, side + 2 * margin, side + 2 * margin))
    if tilt:
        face = face.rotate(tilt, Image.Resampling.BICUBIC).crop((margin, margin, margin + side, margin + side))
    return np.asarray(face.resize((FACE_SIZE, FACE_SIZE), cropping.resampling))


def as_in_photographs(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities for faces in photographs, among which fear is rarer than among the pictures of the training.

    The network's probabilities are weighted by how much more or less frequent an emotion is where it is used, and
    normalized [1]_. How frequent the other emotions are nobody knows; they keep their weight.

    Parameters
    ----------
    probabilities : float32, shape (n, 7)
        As `mood.network.emotion_probabilities` gives them.

    Returns
    -------
    float32, shape (n, 7)
        Rows sum to 1.

    References
    ----------
    .. [1] M. Saerens, P. Latinne, C. Decaestecker, "Adjusting the outputs of a classifier to new a priori
       probabilities", Neural Computation 14 (2002).
    """
    weights = np.ones(len(EMOTIONS), np.float32)
    weights[EMOTIONS.index("fear")] = _FEAR_IN_PHOTOGRAPHS
    weighted = probabilities * weights
    return np.asarray(weighted / weighted.sum(1, keepdims=True))


def _in_whole_picture(box: Box, picture: Picture) -> Box:
    """A box of the shrunken picture in the whole one's pixels, without what reaches over the edge."""
    scale_x, scale_y = picture.width / picture.grey.shape[1], picture.height / picture.grey.shape[0]
    left, top = max(0, round(box.x * scale_x)), max(0, round(box.y * scale_y))
    right = min(picture.width, round((box.x + box.width) * scale_x))
    bottom = min(picture.height, round((box.y + box.height) * scale_y))
    return Box(left, top, right - left, bottom - top)
