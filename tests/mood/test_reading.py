import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mood.emotions import EMOTIONS
from mood.picture import BadPicture
from mood.reading import WEIGHTS, read_photograph, shipped_network
from tests.conftest import PROJECT
from tests.mood.pictures import portrait
from tests.mood.sent import encoded


def test_a_portrait_is_read_as_one_face_with_probabilities_that_sum_to_one() -> None:
    (face,) = read_photograph(encoded(portrait(400))).faces

    assert tuple(face.emotions) == EMOTIONS
    assert sum(face.emotions.values()) == pytest.approx(1, abs=1e-5)
    assert all(0 <= probability <= 1 for probability in face.emotions.values())


def test_the_box_is_in_the_pixels_of_the_picture_that_was_sent() -> None:
    (small,), (large,) = (read_photograph(encoded(portrait(side))).faces for side in (500, 4000))

    assert np.array(large.box) / 8 == pytest.approx(np.array(small.box), abs=8)


def test_the_box_of_a_turned_picture_is_upright() -> None:
    wide = Image.new("L", (900, 500), 120)
    wide.paste(portrait(400), (450, 50))
    exif = Image.Exif()
    exif[0x0112] = 6

    (straight,) = read_photograph(encoded(wide)).faces
    (turned,) = read_photograph(encoded(wide.transpose(Image.Transpose.ROTATE_90), exif=exif)).faces

    assert turned.box == pytest.approx(straight.box, abs=12)


def test_the_box_of_a_face_that_is_cut_off_stays_within_the_picture() -> None:
    image = portrait(300).crop((75, 75, 225, 250))

    (face,) = read_photograph(encoded(image)).faces

    assert face.box.x >= 0
    assert face.box.y >= 0
    assert face.box.x + face.box.width <= image.width
    assert face.box.y + face.box.height <= image.height


def test_a_picture_without_a_face_has_none() -> None:
    reading = read_photograph(encoded(Image.new("RGB", (640, 480), "navy")))

    assert reading.faces == []
    assert (reading.width, reading.height) == (640, 480)


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(BadPicture):
        read_photograph(b"no picture")


def test_the_weights_that_come_with_dcmrs_are_small() -> None:
    assert WEIGHTS.stat().st_size <= 5_000_000
    assert shipped_network().temperature > 0


def test_reading_needs_no_django() -> None:
    script = "import sys, mood.reading; sys.exit(any(name.split('.')[0] == 'django' for name in sys.modules))"

    subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=True)


@pytest.mark.shared
def test_smiling_people_are_read_as_happy(shared: Path) -> None:
    lines = (shared / "faces" / "photos" / "labels.csv").read_text().splitlines()
    happy = [name for name, _, emotion in (line.partition(",") for line in lines) if emotion == "happy"][::4]

    readings = [read_photograph((shared / "faces" / "photos" / name).read_bytes()).faces for name in happy]

    taken_for = [max(faces[0].emotions, key=faces[0].emotions.__getitem__) for faces in readings if faces]
    assert taken_for.count("happy") > 0.6 * len(taken_for)
