import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mood.emotions import EMOTIONS
from mood.face import Box, eye_tilt, find_faces
from mood.picture import BadPicture
from mood.reading import WEIGHTS, Cropping, as_in_photographs, crop_face, read_photograph, shipped_network
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


def test_a_turned_face_is_cropped_as_if_it_were_upright() -> None:
    straight = np.asarray(portrait(400))
    turned = np.asarray(portrait(400).rotate(-14, Image.Resampling.BICUBIC, fillcolor=120))

    (straight_box,), (turned_box,) = find_faces(straight), find_faces(turned)

    upright = crop_face(straight, straight_box, 0).astype(float)
    levelled, as_it_is = (
        np.abs(crop_face(turned, turned_box, tilt) - upright).mean() for tilt in (eye_tilt(turned, turned_box), 0)
    )
    assert levelled < 0.7 * as_it_is


def test_more_of_the_head_is_seen_in_a_larger_crop() -> None:
    grey = np.asarray(portrait(400))
    (box,) = find_faces(grey)

    narrow, wide = (crop_face(grey, box, 0, Cropping(per_box=size)) for size in (0.7, 1.4))

    # The hair is the darkest large part of the drawing, and stands around the face.
    assert (wide < 80).mean() > (narrow < 80).mean() + 0.05


def test_the_edge_of_a_picture_goes_on_around_a_face_that_reaches_over_it() -> None:
    grey = np.full((100, 120), 200, np.uint8)
    grey[:, :10] = 0

    crop = crop_face(grey, Box(-20, 10, 60, 60), 0, Cropping(per_box=1.0))

    assert (crop < 100).mean() == pytest.approx(0.5, abs=0.05)


def test_fear_is_rarer_in_photographs_and_the_other_emotions_keep_their_proportions() -> None:
    afraid, happy = EMOTIONS.index("fear"), EMOTIONS.index("happy")
    even = np.full((1, 7), 1 / 7, np.float32)
    sure = np.eye(7, dtype=np.float32)[[afraid, happy]]

    (shifted,) = as_in_photographs(even)

    assert shifted.sum() == pytest.approx(1)
    assert shifted[afraid] < 0.02
    assert len({round(float(p), 6) for p in np.delete(shifted, afraid)}) == 1
    np.testing.assert_allclose(as_in_photographs(sure), sure)


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
