"""What lies behind a person, and what lens and sensor do to the picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

KINDS = ("plain", "gradient", "clouds", "shapes")


def draw_backdrop(seed: tuple[int, ...], size: int) -> Array:
    """(size,size,3) sRGB 0..255: a wall, a studio's gradient, a mottled cloth or things out of focus."""
    random = np.random.default_rng((*seed, 4))
    first, second = random.uniform(15, 245, (2, 3))
    first, second = (_muted(colour) for colour in (first, second))
    y, x = np.mgrid[:size, :size] / size - 0.5
    match KINDS[random.integers(len(KINDS))]:
        case "plain":
            share = 0.1 * y
        case "gradient":
            around = random.uniform(0, 2 * np.pi)
            share = 0.5 + np.cos(around) * x + np.sin(around) * y
        case "clouds":
            share = sum(_clouds(random, size, cells) / (k + 1) for k, cells in enumerate((3, 7, 15))) / 1.8
        case _:
            return _shapes(random, size, first)
    picture = first + (second - first) * share[..., None].clip(0, 1)
    return (picture * (1 - 0.5 * random.random() * (x**2 + y**2)[..., None])).astype(np.float32)


def _muted(colour: NDArray[np.floating]) -> NDArray[np.floating]:
    """Rooms are less colourful than random numbers."""
    return 0.35 * colour + 0.65 * colour.mean()


def _clouds(random: np.random.Generator, size: int, cells: int) -> Array:
    return cv2.resize(
        random.random((cells, cells)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC
    )


def _shapes(random: np.random.Generator, size: int, ground: NDArray[np.floating]) -> Array:
    picture = np.full((size, size, 3), ground, np.float32)
    for _ in range(random.integers(8, 30)):
        colour = tuple(_muted(random.uniform(10, 250, 3)).tolist())
        x, y, w, h = random.uniform([0, 0, 0.03, 0.05], [1, 1, 0.5, 0.7]) * size
        if random.random() < 0.7:
            cv2.rectangle(picture, (int(x), int(y)), (int(x + w), int(y + h)), colour, -1)
        else:
            cv2.circle(picture, (int(x), int(y)), int(w / 2), colour, -1)
    return cv2.GaussianBlur(picture, (0, 0), size * random.uniform(0.004, 0.03))


def develop(picture: Array, seed: tuple[int, ...]) -> NDArray[np.uint8]:
    """A photo (H,W,3) of sRGB values 0..255: a little blur, grain, a cast of colour, sometimes JPEG."""
    random = np.random.default_rng((*seed, 5))
    sharp = random.uniform(0.0, 0.8)
    picture = cv2.GaussianBlur(picture, (0, 0), sharp) if sharp > 0.3 else picture
    picture = picture * random.normal(1.0, 0.02, 3)
    grain = random.normal(0, 1, picture.shape) * random.uniform(0.5, 4.0)
    photo = np.rint(picture + cv2.GaussianBlur(grain, (0, 0), 0.6)).clip(0, 255).astype(np.uint8)
    if random.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(75, 96))]
        photo = cv2.imdecode(cv2.imencode(".jpg", photo, quality)[1], cv2.IMREAD_COLOR)
    return photo
