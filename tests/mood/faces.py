"""Drawn faces in FER-2013's layout: enough of an expression for a network to learn in seconds."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

CLASSES = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")

VOTED_COLUMNS = {"neutral": 0, "happy": 1, "surprise": 2, "sad": 3, "angry": 4, "disgust": 5, "fear": 6}


def drawn_face(emotion: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """A 48 x 48 grey face whose mouth and brows show the emotion; place, light and noise are random."""
    image = Image.new("L", (48, 48), int(random.integers(20, 90)))
    draw = ImageDraw.Draw(image)
    x, y = random.integers(-3, 4, 2)
    skin = int(random.integers(140, 220))
    draw.ellipse([6 + x, 2 + y, 42 + x, 46 + y], fill=skin)
    for side in (-1, 1):
        eye = 24 + side * 8 + x
        tilt = (3, 1, -3, 0, 0, -2, 0)[emotion] * side
        lift = (0, 0, 2, 1, 0, 0, 4)[emotion]
        draw.line([eye - 4, 15 - lift - tilt + y, eye + 4, 15 - lift + tilt + y], fill=30, width=2)
        draw.ellipse([eye - 2, 19 + y, eye + 2, 23 + y], fill=20)
    mouth = [24 - 8 + x, 30 + y, 24 + 8 + x, 40 + y]
    if emotion == 6:
        draw.ellipse([20 + x, 30 + y, 28 + x, 42 + y], fill=20)
    elif emotion in (3, 1):
        draw.chord(mouth, 0, 180, fill=20 if emotion == 3 else 250)
    elif emotion == 4:
        draw.line([17 + x, 36 + y, 31 + x, 36 + y], fill=20, width=2)
    else:
        draw.arc(mouth, 180, 360, fill=20, width=3 if emotion == 0 else 2)
    noisy = np.asarray(image) + random.normal(0, 6, (48, 48))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def write_faces(
    path: Path, train: int = 140, validation: int = 35, classes: tuple[str, ...] = CLASSES, voted: bool = False
) -> Path:
    """Writes an .npz of drawn faces with a `train` and a `validation` split, the emotions in turn.

    Where it is `voted`, seven of ten people saw the labelled emotion and three a neutral face, as FER+ counts them.
    """
    random = np.random.default_rng(5)
    arrays: dict[str, NDArray[np.generic]] = {"classes": np.array(classes)}
    for split, n in (("train", train), ("validation", validation)):
        labels = np.arange(n) % 7
        arrays[f"{split}_images"] = np.stack([drawn_face(CLASSES.index(classes[label]), random) for label in labels])
        arrays[f"{split}_labels"] = labels.astype(np.uint8)
        if voted:
            votes = np.zeros((n, 10), np.uint8)
            columns = np.array([VOTED_COLUMNS[classes[label]] for label in labels])
            votes[np.arange(n), columns] += 7
            votes[:, VOTED_COLUMNS["neutral"]] += 3
            arrays[f"{split}_votes"] = votes
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path
