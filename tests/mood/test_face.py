from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mood.face import Box, cut, eye_tilt, find_faces
from mood.picture import read_picture
from tests.mood.pictures import faceless_pictures, portrait


def in_the_middle_of(box: Box, x: float, y: float, tolerance: float) -> bool:
    return abs(box.x + box.width / 2 - x) < tolerance and abs(box.y + box.height / 2 - y) < tolerance


@pytest.mark.parametrize("skin", [170, 190, 225])
@pytest.mark.parametrize("side", [48, 150, 800])
def test_a_portrait_of_any_size_has_one_face_in_its_place(side: int, skin: int) -> None:
    boxes = find_faces(np.asarray(portrait(side, skin)))

    assert len(boxes) == 1
    assert in_the_middle_of(boxes[0], side * 0.5, side * 0.54, side * 0.06)
    assert 0.5 * side < boxes[0].width < 0.9 * side


def test_a_face_that_fills_the_whole_picture_is_found() -> None:
    cropped = portrait(300).crop((70, 70, 230, 250))

    assert len(find_faces(np.asarray(cropped))) == 1


def test_of_several_faces_the_largest_comes_first() -> None:
    group = Image.new("L", (900, 500), 120)
    group.paste(portrait(200), (30, 200))
    group.paste(portrait(400), (400, 50))

    large, small = find_faces(np.asarray(group))

    assert in_the_middle_of(large, 600, 266, 25)
    assert in_the_middle_of(small, 130, 308, 15)
    assert large.width > small.width


@pytest.mark.parametrize("shape", [(24, 24), (24, 800), (800, 24), (480, 480)])
def test_an_empty_picture_has_no_face(shape: tuple[int, int]) -> None:
    assert find_faces(np.full(shape, 128, np.uint8)) == []


@pytest.mark.long
def test_pictures_without_a_face_give_two_percent_false_alarms_at_most() -> None:
    pictures = [np.asarray(picture.convert("L")) for picture in faceless_pictures(100, seed=7)]

    assert sum(bool(find_faces(picture)) for picture in pictures) <= 2


def test_threads_find_the_same_faces() -> None:
    pictures = [np.asarray(portrait(200 + 20 * n)) for n in range(8)]
    one_by_one = [find_faces(picture) for picture in pictures]

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(find_faces, pictures)) == one_by_one


@pytest.mark.parametrize("turned", [-12, 0, 12])
def test_the_tilt_of_a_turned_portrait_is_seen(turned: int) -> None:
    grey = np.asarray(portrait(400).rotate(-turned, Image.Resampling.BICUBIC, fillcolor=120))

    (box,) = find_faces(grey)

    assert eye_tilt(grey, box) == pytest.approx(turned, abs=4)


def test_where_no_eyes_are_seen_a_face_counts_as_upright() -> None:
    assert eye_tilt(np.full((200, 200), 128, np.uint8), Box(-20, 10, 150, 150)) == 0


def test_the_edge_of_a_picture_goes_on_in_what_is_cut_out_beyond_it() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)

    np.testing.assert_array_equal(cut(grey, -1, 1, 3, 3), [[4, 4, 5], [8, 8, 9], [8, 8, 9]])


@pytest.mark.long
@pytest.mark.shared
def test_a_face_is_found_in_97_percent_of_real_photographs(shared: Path) -> None:
    files = sorted((shared / "faces" / "photos").glob("*.jpg"))[::6]

    found = sum(bool(find_faces(read_picture(file.read_bytes()).grey)) for file in files)

    assert found / len(files) >= 0.97
