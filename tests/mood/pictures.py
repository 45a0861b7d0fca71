"""Drawn pictures: a portrait, and album covers, landscapes, textures, text and noise without a face."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIZE = 480


def portrait(side: int = 300, skin: int = 205) -> Image.Image:
    """A grey portrait, simple and yet face enough for a cascade; the face is two thirds as wide as the picture."""
    unit = side / 100
    image = Image.new("L", (side, side), 120)
    draw = ImageDraw.Draw(image)

    def ellipse(x: float, y: float, half_width: float, half_height: float, shade: int) -> None:
        box = (x - half_width, y - half_height, x + half_width, y + half_height)
        draw.ellipse([value * unit for value in box], fill=shade)

    ellipse(50, 45, 31, 40, 60)
    ellipse(50, 52, 26, 34, skin)
    draw.rectangle([38 * unit, 80 * unit, 62 * unit, side], fill=skin - 25)
    for side_of_face in (-1, 1):
        eye = 50 + side_of_face * 11
        ellipse(eye, 47, 8, 5, skin - 60)
        ellipse(eye, 48, 5.5, 2.6, 235)
        ellipse(eye, 48, 2.6, 2.6, 25)
        draw.line([(eye - 6) * unit, 41 * unit, (eye + 6) * unit, 41 * unit], fill=50, width=round(2.4 * unit))
        ellipse(50 + side_of_face * 3.2, 63, 1.8, 1.3, 70)
    draw.polygon([(50 * unit, 46 * unit), (46 * unit, 62 * unit), (54 * unit, 62 * unit)], fill=skin + 20)
    ellipse(50, 72, 9, 3.2, 110)
    draw.line([41 * unit, 72 * unit, 59 * unit, 72 * unit], fill=60, width=round(1.2 * unit))
    return image.filter(ImageFilter.GaussianBlur(1.1 * unit))


def faceless_pictures(n: int, seed: int = 0) -> Iterator[Image.Image]:
    """`n` RGB pictures of 480 x 480 pixels, of eight kinds in turn, no two alike."""
    random = np.random.default_rng(seed)
    kinds = (_shapes, _landscape, _noise, _text, _stripes, _clouds, _vinyl, _blobs)
    for number in range(n):
        yield kinds[number % len(kinds)](random)


def _colour(random: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in random.integers(0, 256, 3))
    return red, green, blue


def _fractal(random: np.random.Generator, roughness: float) -> NDArray[np.float64]:
    """A random field whose amplitude falls with the frequency to the power of `roughness`, within 0 and 1."""
    frequency = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE)[None, :])
    frequency[0, 0] = 1
    spectrum = (random.normal(size=frequency.shape) + 1j * random.normal(size=frequency.shape)) / frequency**roughness
    field = np.fft.irfft2(spectrum, (SIZE, SIZE))
    return np.asarray((field - field.min()) / np.ptp(field))


def _shapes(random: np.random.Generator) -> Image.Image:
    image = Image.new("RGB", (SIZE, SIZE), _colour(random))
    draw = ImageDraw.Draw(image)
    for _ in range(int(random.integers(3, 25))):
        x, y = random.integers(-60, SIZE, 2)
        w, h = random.integers(20, 260, 2)
        box = [int(x), int(y), int(x + w), int(y + h)]
        (draw.ellipse if random.random() < 0.5 else draw.rectangle)(box, fill=_colour(random), outline=_colour(random))
    return image


def _landscape(random: np.random.Generator) -> Image.Image:
    sky = np.linspace(_colour(random), _colour(random), SIZE)[:, None, :].repeat(SIZE, 1)
    picture = sky + 60 * (_fractal(random, 1.6)[..., None] - 0.5)
    for layer in range(3):
        ridge = (0.35 + 0.2 * layer + 0.3 * (_fractal(random, 2)[0] - 0.5)) * SIZE
        below = np.arange(SIZE)[:, None] > ridge
        ground = np.array(_colour(random)) * (0.5 + _fractal(random, 1.2)[..., None])
        picture = np.where(below[..., None], ground, picture)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def _noise(random: np.random.Generator) -> Image.Image:
    side = int(random.choice([12, 24, 60, 120, 240, 480]))
    pixels = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((SIZE, SIZE), Image.Resampling(int(random.choice([0, 2, 3]))))


def _text(random: np.random.Generator) -> Image.Image:
    image = Image.new("RGB", (SIZE, SIZE), _colour(random))
    draw = ImageDraw.Draw(image)
    letters = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,:;!?()&"))
    for _ in range(int(random.integers(2, 14))):
        words = "".join(random.choice(letters, int(random.integers(3, 24))))
        font = ImageFont.load_default(size=float(random.integers(12, 110)))
        place = (int(random.integers(-40, SIZE)), int(random.integers(-20, SIZE)))
        draw.text(place, words, fill=_colour(random), font=font)
    return image


def _stripes(random: np.random.Generator) -> Image.Image:
    y, x = np.indices((SIZE, SIZE)) / SIZE
    waves = sum(np.sin(2 * np.pi * (a * x + b * y)) for a, b in random.uniform(-12, 12, (3, 2)))
    share = (np.asarray(waves) / 6 + 0.5)[..., None]
    picture = share * _colour(random) + (1 - share) * np.array(_colour(random))
    return Image.fromarray(picture.astype(np.uint8))


def _clouds(random: np.random.Generator) -> Image.Image:
    roughness = random.uniform(0.6, 2.2)
    return Image.fromarray((255 * np.stack([_fractal(random, roughness) for _ in range(3)], 2)).astype(np.uint8))


def _vinyl(random: np.random.Generator) -> Image.Image:
    image = Image.new("RGB", (SIZE, SIZE), _colour(random))
    draw = ImageDraw.Draw(image)
    x, y = random.integers(120, SIZE - 120, 2)
    for radius in range(int(random.integers(120, 230)), 6, -int(random.integers(3, 14))):
        grey = int(random.integers(0, 90))
        box = [int(x - radius), int(y - radius), int(x + radius), int(y + radius)]
        draw.ellipse(box, outline=(grey, grey, grey), width=3)
    draw.ellipse([int(x - 45), int(y - 45), int(x + 45), int(y + 45)], fill=_colour(random))
    return image


def _blobs(random: np.random.Generator) -> Image.Image:
    return _shapes(random).filter(ImageFilter.GaussianBlur(float(random.uniform(2, 14))))
