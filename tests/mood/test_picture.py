import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mood.picture import BadPicture, PictureRefused, PictureTooLarge, read_picture
from tests.conftest import PROJECT
from tests.mood.sent import SVG, archive, encoded, png_header

STATUS = Path("/proc/self/status")


def gradient(width: int = 120, height: int = 80) -> Image.Image:
    """Dark at the top left, bright at the bottom right."""
    y, x = np.indices((height, width))
    return Image.fromarray((255 * (x / width + y / height) / 2).astype(np.uint8))


@pytest.mark.parametrize(
    ("image", "container"),
    [
        (gradient(), "JPEG"),
        (gradient().convert("RGB"), "JPEG"),
        (gradient().convert("CMYK"), "JPEG"),
        (gradient().convert("RGB"), "WEBP"),
        (gradient(), "PNG"),
        (gradient().convert("RGB").quantize(64), "PNG"),
        (gradient().convert("LA"), "PNG"),
        (gradient().convert("RGBA"), "PNG"),
        (Image.fromarray(np.asarray(gradient()).astype(np.uint16) * 257), "PNG"),
        (gradient(), "GIF"),
    ],
    ids=["grey", "colour", "cmyk", "webp", "png", "palette", "grey-alpha", "alpha", "16-bit", "gif"],
)
def test_every_common_kind_of_picture_is_read_as_the_same_grey(image: Image.Image, container: str) -> None:
    picture = read_picture(encoded(image, container))

    assert (picture.width, picture.height) == (120, 80)
    assert np.abs(picture.grey.astype(int) - np.asarray(gradient())).mean() < 4


def test_of_a_picture_of_a_phone_that_holds_several_the_first_is_read() -> None:
    several = encoded(
        gradient().convert("RGB"), "MPO", save_all=True, append_images=[Image.new("RGB", (120, 80), "red")]
    )
    with Image.open(BytesIO(several)) as image:
        assert image.format == "MPO"

    picture = read_picture(several)

    assert np.abs(picture.grey.astype(int) - np.asarray(gradient())).mean() < 4


@pytest.mark.parametrize("container", ["JPEG", "PNG", "GIF", "WEBP", "MPO"])
def test_whatever_is_broken_in_a_picture_it_is_read_or_refused_with_a_reason(container: str) -> None:
    dice, whole = random.Random(container), encoded(gradient().convert("RGB"), container)
    for _ in range(60):
        broken = bytearray(whole)
        for _ in range(dice.choice([1, 10])):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        with suppress(PictureRefused):
            read_picture(bytes(broken[: dice.choice([len(broken), dice.randrange(len(broken))])]))


def test_transparency_is_seen_as_white() -> None:
    clear = Image.new("RGBA", (50, 50), (0, 0, 0, 0))

    assert (read_picture(encoded(clear)).grey == 255).all()


def test_a_palette_with_a_transparent_colour_is_seen_on_white() -> None:
    image = Image.new("P", (50, 50), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])

    assert (read_picture(encoded(image, "GIF", transparency=0)).grey == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_cameras_orientation_is_applied(orientation: int) -> None:
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = gradient() if undo is None else gradient().transpose(undo)

    picture = read_picture(encoded(stored, "JPEG", exif=exif, quality=95))

    assert (picture.width, picture.height) == (120, 80)
    assert np.abs(picture.grey.astype(int) - np.asarray(gradient())).mean() < 4


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_camera_notes_do_not_matter() -> None:
    data = encoded(gradient(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\xff\xff")

    assert read_picture(data).width == 120


def test_a_large_picture_is_shrunk_and_keeps_its_own_size() -> None:
    picture = read_picture(encoded(Image.new("L", (5000, 2500), 77), "JPEG"))

    assert (picture.width, picture.height) == (5000, 2500)
    assert picture.grey.shape == (400, 800)


def test_an_animation_is_read_as_its_first_frame() -> None:
    frames = [Image.new("L", (60, 60), shade) for shade in (10, 120, 250)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])

    assert read_picture(data).grey.mean() == pytest.approx(10, abs=3)


def test_a_picture_of_a_camera_that_appends_a_preview_is_read() -> None:
    preview = encoded(gradient(40, 30), "JPEG")

    assert read_picture(encoded(gradient(), "JPEG") + preview).width == 120


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"",
        lambda: b"hello, I am no picture",
        lambda: SVG,
        lambda: b"%PDF-1.7\n" + bytes(500),
        lambda: encoded(gradient(), "BMP"),
        lambda: encoded(gradient(), "TIFF"),
        lambda: encoded(Image.new("L", (1, 1))),
        lambda: encoded(Image.new("L", (23, 4000))),
        lambda: encoded(gradient(), "JPEG")[:700],
        lambda: encoded(gradient())[:-60],
        lambda: b"\x89PNG\r\n\x1a\n",
        lambda: b"\xff\xd8\xff\xe0" + bytes(100),
        lambda: png_header(500, 500),
    ],
    ids=[
        *("empty", "text", "svg", "pdf", "bmp", "tiff", "one-pixel", "narrow", "cut-jpeg", "cut-png"),
        *("png-magic", "jpeg-magic", "png-without-pixels"),
    ],
)
def test_what_is_no_readable_picture_is_refused_with_a_message(make: Callable[[], bytes]) -> None:
    with pytest.raises(BadPicture, match=r"\.$"):
        read_picture(make())


@pytest.mark.parametrize("container", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_file_that_is_a_picture_and_an_archive_at_once_is_refused(container: str) -> None:
    with pytest.raises(BadPicture, match="something else"):
        read_picture(encoded(gradient().convert("RGB"), container) + archive())


@pytest.mark.parametrize(
    "make",
    [
        lambda: encoded(gradient()) + bytes(20_000_000),
        lambda: png_header(60_000, 60_000),
        lambda: png_header(2_000_000_000, 2_000_000_000),
        lambda: png_header(9000, 6000),
        lambda: encoded(Image.new("L", (30_000, 30))),
        lambda: encoded(Image.new("RGB", (8192, 3200)), "WEBP", method=0),
    ],
    ids=["bytes", "bomb", "overflow", "54-megapixels", "strip", "26-megapixel-webp"],
)
def test_what_is_too_large_is_refused_before_it_is_decoded(make: Callable[[], bytes]) -> None:
    with pytest.raises(PictureTooLarge, match=r"\.$"):
        read_picture(make())


@pytest.mark.skipif(not STATUS.exists(), reason=f"{STATUS} is not there: peaks are measured on Linux")
@pytest.mark.parametrize(
    ("container", "mode", "megapixels", "options", "megabytes"),
    [
        ("JPEG", "RGB", 50, {}, 60),
        ("JPEG", "RGB", 50, {"progressive": True}, 250),
        ("PNG", "RGBA", 50, {"compress_level": 1}, 450),
        ("GIF", "P", 50, {"transparency": 0}, 450),
        ("WEBP", "RGB", 25, {"method": 0}, 450),
    ],
    ids=["jpeg", "progressive", "png", "gif", "webp"],
)
def test_memory_is_bounded_for_the_largest_pictures(
    container: str, mode: str, megapixels: int, options: dict[str, Any], megabytes: int
) -> None:
    # Not getrusage: what the system says there of a new process includes the peak of the one that started it.
    script = f"""
import io
from PIL import Image
from mood.picture import read_picture
def peak():
    return next(int(line.split()[1]) for line in open("{STATUS}") if line.startswith("VmHWM"))
buffer = io.BytesIO()
Image.new("L", (64, 64)).save(buffer, "PNG")
read_picture(buffer.getvalue())
data = open(0, "rb").read()
before = peak()
assert read_picture(data).width == 8192
print((peak() - before) // 1024)
"""
    data = encoded(Image.new(mode, (8192, 6144 * megapixels // 50)), container, **options)

    done = subprocess.run([sys.executable, "-c", script], input=data, capture_output=True, cwd=PROJECT, check=True)

    assert int(done.stdout) < megabytes
